#include "controlnode/edges/http/http_server.h"

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/file_posix.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <set>
#include <thread>
#include <utility>

#include "common/log.h"
#include "controlnode/edges/http/doorway.h"
#include "controlnode/edges/http/raw_pipe.h"
#include "controlnode/edges/http/request_target.h"

namespace dure::control {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

template <class Fields>
bool describe(const Fields& message, HttpRequest& into) {
  into.method = std::string(message.method_string());
  for (const auto& field : message) {
    std::string name(field.name_string());
    for (auto& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    // A header given twice is ambiguous; the first one counts nowhere.
    if (!into.headers.emplace(name, std::string(field.value())).second) return false;
  }
  return split_target(std::string(message.target()), into);
}

}  // namespace

namespace {

class Connection;

// What the connections of one server share; used on its thread only.
struct Shared {
  HttpHandler& handler;
  HttpLimits limits;
  std::size_t connections = 0;
  std::shared_ptr<Doorway> doorway;
  // Connections whose request is being handled: nothing else keeps them.
  std::set<std::shared_ptr<Connection>> waiting;
  std::set<std::shared_ptr<RawPipe>> pipes;  // what connections have become by an upgrade
};

}  // namespace

struct HttpServer::State {
  State(HttpHandler& the_handler, HttpLimits the_limits)
      : shared{the_handler, the_limits, 0, nullptr, {}, {}} {}

  Shared shared;  // outlives io, whose pending work holds connections
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  std::thread thread;

  void accept();
  void run();
};

namespace {

// The client sent what is no HTTP, rather than going away.
bool is_malformed(beast::error_code error) {
  return error.category() == make_error_code(http::error::end_of_stream).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

constexpr std::chrono::seconds kLinger(2);
constexpr std::uint64_t kMostLingerBytes = 4 << 20;

// One connection. All of it runs on the server's thread; an answer from elsewhere is posted back.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, Shared& shared) : stream_(std::move(socket)), shared_(shared) {
    ++shared_.connections;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { --shared_.connections; }

  void read_header() {
    request_ = {};
    head_ = false;
    keep_alive_ = false;
    parser_.emplace();
    parser_->header_limit(shared_.limits.header_bytes);
    parser_->body_limit(boost::none);  // set once the kind of body is known
    arm();
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = shared_from_this()](beast::error_code error, std::size_t) {
                              self->on_header(error);
                            });
  }

 private:
  void arm() { stream_.expires_after(std::chrono::seconds(shared_.limits.idle_s)); }

  void on_header(beast::error_code error) {
    if (error == http::error::header_limit) return finish_with(431);
    if (error && is_malformed(error)) return finish_with(400);
    if (error) return;  // gone
    if (!describe(parser_->get(), request_)) return finish_with(400);
    head_ = request_.method == "HEAD";
    if (auto refusal = shared_.handler.refuse(request_)) return write(std::move(*refusal));
    if (request_.header("expect") == "100-continue") return send_continue();
    read_body();
  }

  void send_continue() {
    static const std::string line = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(line),
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        if (!error) self->read_body();
                      });
  }

  void read_body() {
    auto upload = shared_.handler.upload_to(request_);
    const auto limit = upload ? upload->second : shared_.limits.body_bytes;
    // The parsers count chunked bodies only: a length that is announced is theirs to check before
    // the header ends, when the limit was not known.
    if (const auto length = parser_->content_length(); length && *length > limit) {
      return finish_with(413);
    }
    keep_alive_ = parser_->get().keep_alive();
    if (upload) {
      request_.uploaded_file = upload->first;
      file_parser_.emplace(std::move(*parser_));
      file_parser_->body_limit(limit);
      beast::error_code error;
      file_parser_->get().body().open(upload->first.c_str(), beast::file_mode::write, error);
      if (error) return finish_with(507);
      return file_parser_->is_done() ? end_upload() : read_upload();
    }
    text_parser_.emplace(std::move(*parser_));
    text_parser_->body_limit(limit);
    arm();
    http::async_read(stream_, buffer_, *text_parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (error == http::error::body_limit) return self->finish_with(413);
                       if (error && is_malformed(error)) return self->finish_with(400);
                       if (error) return;
                       self->request_.body = std::move(self->text_parser_->get().body());
                       self->dispatch();
                     });
  }

  // Piece by piece, so that a slow but steady upload is not cut off by the idle limit.
  void read_upload() {
    arm();
    http::async_read_some(
        stream_, buffer_, *file_parser_,
        [self = shared_from_this()](beast::error_code error, std::size_t) {
          if (error) {
            const bool large = error == http::error::body_limit;
            self->drop_upload();
            if (large) self->finish_with(413);
            return;
          }
          if (!self->file_parser_->is_done()) return self->read_upload();
          self->end_upload();
        });
  }

  void end_upload() {
    file_parser_->get().body().close();
    dispatch();
  }

  void drop_upload() {
    file_parser_.reset();
    std::remove(request_.uploaded_file.c_str());
  }

  void dispatch() {
    stream_.expires_never();
    shared_.waiting.insert(shared_from_this());
    handle_request();
  }

  void handle_request() {
    const std::weak_ptr<Connection> waiting = weak_from_this();
    try {
      shared_.handler.handle(std::move(request_), [waiting, doorway = shared_.doorway](
                                                      HttpResponse response) {
        doorway->post([waiting, answer = std::move(response)]() mutable {
          if (const auto self = waiting.lock()) self->answered(std::move(answer));
        });
      });
    } catch (const std::exception& failed) {
      log::error("a request ended by an exception", {{"reason", failed.what()}});
      shared_.waiting.erase(shared_from_this());
      finish_with(500);
    }
  }

  void answered(HttpResponse response) {
    // An answer given twice is dropped.
    if (shared_.waiting.erase(shared_from_this()) == 0) return;
    if (response.tunnel) return upgrade(std::move(response.tunnel));
    write(std::move(response));
  }

  // From here on the connection is bytes both ways; this object stays only to be counted.
  void upgrade(std::shared_ptr<TunnelStream> stream) {
    const auto* read = static_cast<const char*>(buffer_.data().data());
    auto pipe = std::make_shared<RawPipe>(stream_.release_socket(), std::move(stream), shared_.doorway);
    shared_.pipes.insert(pipe);
    pipe->start("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: dure-tunnel\r\n\r\n",
                std::string(read, buffer_.size()),
                [self = shared_from_this(), raw = std::weak_ptr(pipe)] {
                  self->shared_.pipes.erase(raw.lock());
                });
  }

  void finish_with(unsigned status) {
    keep_alive_ = false;
    HttpResponse response;
    response.status = status;
    response.content_type = "text/plain";
    response.body = std::string(http::obsolete_reason(static_cast<http::status>(status))) + "\n";
    write(std::move(response));
  }

  void write(HttpResponse response) {
    response_.emplace();
    response_->result(response.status);
    response_->version(11);
    response_->set(http::field::content_type, response.content_type);
    response_->set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : response.headers) response_->set(name, value);
    response_->keep_alive(keep_alive_);
    const auto length = response.file ? response.file->length : response.body.size();
    response_->content_length(length);
    if (response.file && !head_) return write_file(std::move(*response.file));
    if (!head_) response_->body() = std::move(response.body);
    arm();
    http::async_write(stream_, *response_,
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        self->next(error);
                      });
  }

  void write_file(FilePart part) {
    beast::error_code error;
    file_.open(part.path.c_str(), beast::file_mode::scan, error);
    if (!error) file_.seek(part.offset, error);
    if (error) return finish_with(500);
    left_ = part.length;
    serializer_.emplace(*response_);
    arm();
    http::async_write_header(stream_, *serializer_,
                             [self = shared_from_this()](beast::error_code failed, std::size_t) {
                               if (!failed) self->write_chunk();
                             });
  }

  void write_chunk() {
    if (left_ == 0) {
      beast::error_code ignored;
      file_.close(ignored);
      return next({});
    }
    beast::error_code error;
    const auto want = std::min<std::uint64_t>(left_, chunk_.size());
    const auto got = file_.read(chunk_.data(), static_cast<std::size_t>(want), error);
    if (error || got == 0) return;  // a short file: closing tells the reader
    left_ -= got;
    arm();
    asio::async_write(stream_, asio::buffer(chunk_.data(), got),
                      [self = shared_from_this()](beast::error_code failed, std::size_t) {
                        if (!failed) self->write_chunk();
                      });
  }

  void next(beast::error_code error) {
    if (error) return;
    if (keep_alive_) return read_header();
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(kLinger);
    linger(kMostLingerBytes);
  }

  // Closing with bytes unread resets the connection, and the client may lose the answer that tells
  // it why. So the rest of a refused body is thrown away, within bounds.
  void linger(std::uint64_t budget) {
    stream_.async_read_some(asio::buffer(chunk_), [self = shared_from_this(), budget](
                                                      beast::error_code error, std::size_t got) {
      if (!error && got < budget) self->linger(budget - got);
    });
  }

  beast::tcp_stream stream_;
  Shared& shared_;
  beast::flat_buffer buffer_{256 * 1024};
  std::optional<http::request_parser<http::empty_body>> parser_;
  std::optional<http::request_parser<http::string_body>> text_parser_;
  std::optional<http::request_parser<http::file_body>> file_parser_;
  std::optional<http::response<http::string_body>> response_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
  HttpRequest request_;
  bool keep_alive_ = false;  // true only once a whole request can be read
  bool head_ = false;
  beast::file_posix file_;
  std::uint64_t left_ = 0;
  std::array<char, 128 * 1024> chunk_;
};

Result<tcp::endpoint> parse_endpoint(const std::string& listen) {
  const auto colon = listen.rfind(':');
  unsigned port = 0;
  beast::error_code error;
  if (colon != std::string::npos) {
    const auto address = asio::ip::make_address(listen.substr(0, colon), error);
    const char* begin = listen.data() + colon + 1;
    const char* end = listen.data() + listen.size();
    const auto parsed = std::from_chars(begin, end, port);
    if (!error && begin != end && parsed.ptr == end && parsed.ec == std::errc{} && port < 65536) {
      return tcp::endpoint(address, static_cast<std::uint16_t>(port));
    }
  }
  return Error{Errc::invalid_argument, "'" + listen + "' is not address:port"};
}

}  // namespace

void HttpServer::State::accept() {
  acceptor.async_accept([this](beast::error_code error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    // Above the limit the new one is closed: it costs a flooder as much as us.
    if (!error && shared.connections < shared.limits.connections) {
      socket.set_option(tcp::no_delay(true), error);
      std::make_shared<Connection>(std::move(socket), shared)->read_header();
    } else if (error) {
      // Out of descriptors, mostly: asking again at once would spin.
      pause.expires_after(std::chrono::milliseconds(100));
      return pause.async_wait([this](beast::error_code stopped) {
        if (!stopped) accept();
      });
    }
    accept();
  });
}

void HttpServer::State::run() {
  for (;;) {
    try {
      io.run();
      return;
    } catch (const std::exception& failed) {
      // One connection's misfortune is not the server's end.
      log::error("http connection ended by an exception", {{"reason", failed.what()}});
    }
  }
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& listen,
                                                      HttpHandler& handler, HttpLimits limits) {
  const auto endpoint = parse_endpoint(listen);
  if (!endpoint) return endpoint.error();
  auto state = std::make_unique<State>(handler, limits);
  beast::error_code error;
  state->acceptor.open(endpoint->protocol(), error);
  if (!error) state->acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) state->acceptor.bind(*endpoint, error);
  if (!error) state->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return Error{Errc::unavailable, "cannot listen on " + listen + ": " + error.message()};
  }
  state->shared.doorway = std::make_shared<Doorway>(state->io);
  state->accept();
  auto* raw = state.get();
  state->thread = std::thread([raw] { raw->run(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::~HttpServer() {
  state_->io.stop();
  if (state_->thread.joinable()) state_->thread.join();
  state_->shared.doorway->close();
  state_->shared.waiting.clear();
  state_->shared.pipes.clear();
}

std::uint16_t HttpServer::port() const {
  beast::error_code ignored;
  return state_->acceptor.local_endpoint(ignored).port();
}

}  // namespace dure::control
