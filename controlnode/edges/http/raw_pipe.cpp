#include "controlnode/edges/http/raw_pipe.h"

#include <boost/asio/write.hpp>
#include <utility>

namespace dure::control {

using boost::system::error_code;
namespace asio = boost::asio;

RawPipe::RawPipe(asio::ip::tcp::socket socket, std::shared_ptr<TunnelStream> stream,
                 std::shared_ptr<Doorway> doorway)
    : socket_(std::move(socket)), stream_(std::move(stream)), doorway_(std::move(doorway)) {}

void RawPipe::start(std::string greeting, std::string already, std::function<void()> over) {
  over_ = std::move(over);
  to_client_ = std::move(greeting);
  to_stream_ = std::move(already);
  stream_->watch([pipe = weak_from_this(), doorway = doorway_] {
    doorway->post([pipe] {
      if (const auto self = pipe.lock()) self->move();
    });
  });
  move();
}

void RawPipe::move() {
  if (!stream_) return;
  if (stream_->broken()) return end();
  write_stream();
  if (!reading_ && !client_said_all_ && to_stream_.empty()) read_client();
  if (!writing_) write_client();
  if (client_told_all_ && client_said_all_ && to_stream_.empty()) end();
}

void RawPipe::write_stream() {
  if (!to_stream_.empty()) to_stream_.erase(0, stream_->write(to_stream_));
  if (client_said_all_ && to_stream_.empty()) stream_->finish();
}

void RawPipe::read_client() {
  reading_ = true;
  socket_.async_read_some(asio::buffer(chunk_), [self = shared_from_this()](error_code error, std::size_t got) {
    self->reading_ = false;
    if (error && error != asio::error::eof) return self->end();
    self->client_said_all_ = error == asio::error::eof;
    self->to_stream_.append(self->chunk_.data(), got);
    self->move();
  });
}

void RawPipe::write_client() {
  if (to_client_.empty()) to_client_ = stream_->read();
  if (to_client_.empty()) {
    if (client_told_all_ || !stream_->at_end()) return;
    client_told_all_ = true;
    error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    return;
  }
  writing_ = true;
  asio::async_write(socket_, asio::buffer(to_client_), [self = shared_from_this()](error_code error, std::size_t) {
    self->writing_ = false;
    self->to_client_.clear();
    if (error) return self->end();
    self->move();
  });
}

void RawPipe::end() {
  if (!stream_) return;
  error_code ignored;
  socket_.close(ignored);
  stream_.reset();
  if (const auto over = std::exchange(over_, nullptr)) over();
}

}  // namespace dure::control
