#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "controlnode/cli/run.h"

namespace dure::cli::test {

// A control node of prepared answers. What is not prepared is 404.
class ScriptedHttp : public HttpClient {
 public:
  // The last answer for "METHOD /path" is given again and again.
  void on(const std::string& call, unsigned status, const std::string& body) {
    answers_[call].push_back({status, body, 0});
  }
  // The next call of it finds nobody.
  void away(const std::string& call, int times = 1) {
    for (int i = 0; i < times; ++i) answers_[call].push_back({0, {}, 0});
  }

  Result<HttpReply> call(const HttpCall& call) override {
    calls.push_back(call);
    return answer(call.method + " " + call.path);
  }
  Result<HttpReply> upload(const std::string& path, const std::string& file,
                           const Progress& progress) override {
    uploads.push_back(file);
    progress(1, 2);
    progress(2, 2);
    return answer("UPLOAD " + path);
  }

  std::vector<HttpCall> calls;
  std::vector<std::string> uploads;

 private:
  Result<HttpReply> answer(const std::string& what) {
    auto& waiting = answers_[what];
    if (waiting.empty()) {
      return HttpReply{404, R"({"code":"not-found","detail":"there is nothing at )" + what + "\"}", 0};
    }
    const auto next = waiting.front();
    if (waiting.size() > 1) waiting.pop_front();
    if (next.status == 0) return Error{Errc::unavailable, "nobody there"};
    return next;
  }

  std::map<std::string, std::deque<HttpReply>> answers_;
};

// Time that passes only by waiting.
class FakePatience : public Patience {
 public:
  void listen() override { listening = true; }
  bool interrupted() override { return stopped_; }
  bool pause(Duration length) override {
    now_ = now_ + length;
    pauses.push_back(length);
    if (interrupt_after && pauses.size() >= *interrupt_after) stopped_ = true;
    return stopped_;
  }
  TimePoint now() override { return now_; }

  bool listening = false;
  std::vector<Duration> pauses;
  std::optional<std::size_t> interrupt_after;

 private:
  TimePoint now_;
  bool stopped_ = false;
};

class FakeClock : public Clock {
 public:
  TimePoint now() override { return {1'772'355'610'000'000}; }  // 2026-03-01T09:00:10Z
};

class FakeRandom : public Random {
 public:
  std::array<std::uint8_t, 16> bytes16() override {
    std::array<std::uint8_t, 16> bytes{};
    bytes.fill(++count_);
    return bytes;
  }

 private:
  std::uint8_t count_ = 0;
};

// Runs command lines against a ScriptedHttp.
struct CliStand {
  struct Lent : HttpClient {
    explicit Lent(HttpClient& the_http) : http(the_http) {}
    Result<HttpReply> call(const HttpCall& call) override { return http.call(call); }
    Result<HttpReply> upload(const std::string& path, const std::string& file,
                             const Progress& progress) override {
      return http.upload(path, file, progress);
    }
    HttpClient& http;
  };

  int run(const std::vector<std::string>& arguments) {
    out.str("");
    err.str("");
    World world{Terminal{out, err, color, redraw, 80}, environment,
                [this](const Endpoint& to) -> Result<std::unique_ptr<HttpClient>> {
                  endpoint = to;
                  return std::unique_ptr<HttpClient>(std::make_unique<Lent>(http));
                },
                patience, random, clock};
    return static_cast<int>(cli::run(arguments, world));
  }

  ScriptedHttp http;
  FakePatience patience;
  FakeRandom random;
  FakeClock clock;
  Environment environment;
  Endpoint endpoint;
  std::ostringstream out, err;
  bool color = false, redraw = false;
};

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace dure::cli::test
