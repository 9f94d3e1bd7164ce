#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/result.h"
#include "controlnode/edges/postgres/postgres_store.h"

namespace dure::control::contract {

// A new and empty database on the server that DURE_TEST_PG names; the one made before is dropped,
// the last one stays with its private server.
// Returns what libpq needs to reach it.
std::string fresh_database();

// Runs a statement as somebody from outside; the first column of every row.
std::vector<std::string> ask(const std::string& url, const std::string& statement);

// Runs a script in one transaction, beside every control node.
Result<void> write_beside(const std::string& url, const std::string& script);

// A store on that database; throws when it cannot be had.
std::unique_ptr<PostgresStore> opened(const std::string& url, AnswerLimits limits = {});

// nullopt: no error.
std::optional<Errc> code_of(const Result<void>& result);

// Stands between a client and the server on a socket of its own, and cuts the connection when the
// client sends a word.
class CuttingProxy {
 public:
  explicit CuttingProxy(const std::string& url);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  // The same database through the proxy.
  std::string url() const;

  enum class When { before, after };  // the server has seen and answered it
  // From the next word on that is sent on any connection, also a new one, nothing is answered until the client gives up.
  void go_mute() { mute_ = true; }
  void speak_again() { mute_ = false; }
  // The next `times` connections that send `word` are cut. Only while no client is speaking.
  void cut(const std::string& word, When when, int times = 1);
  int cuts() const { return cuts_; }

 private:
  void serve();
  void relay(int client, int server);

  std::string database_, folder_, target_;
  int listener_ = -1;
  int stop_[2] = {-1, -1};
  std::string word_;
  When when_ = When::before;
  std::atomic<int> times_ = 0;
  std::atomic<int> cuts_ = 0;
  std::atomic<bool> mute_ = false;
  std::thread thread_;
};

}  // namespace dure::control::contract
