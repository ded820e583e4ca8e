#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace reel::testing {

/// What the server answers to one request.
struct Answer {
  int status = 200;
  std::string body = {};
  std::optional<std::size_t> announced = {};  ///< Content-Length, where it is not the body's
  std::string location = {};                  ///< of a redirect
  int pause_ms = 0;                           ///< between the first half of the body and the second
  int trickle_ms = 0;                         ///< between a byte of the body and the next
  bool endless = false;                       ///< the body again and again, its length unsaid
};

/// An HTTP server on the loopback interface, one connection at a time, for tests of downloads.
class HttpServer {
 public:
  HttpServer() {
    ::setenv("no_proxy", "127.0.0.1", 1);  // curl would ask a proxy of the environment for us
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(socket_, 16);
    socklen_t length = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() {
    stop_ = true;
    thread_.join();
    ::close(socket_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }

  /// What is answered to requests for `path`: the first answer to the first of them, and so on, the
  /// last one to all further ones. Anything else is 404.
  void answer(const std::string& path, std::vector<Answer> answers) {
    const std::scoped_lock lock(mutex_);
    answers_[path] = std::move(answers);
    requests_[path] = 0;
  }

  int requests(const std::string& path) {
    const std::scoped_lock lock(mutex_);
    return requests_[path];
  }

 private:
  void serve() {
    while (!stop_) {
      pollfd wait{socket_, POLLIN, 0};
      if (::poll(&wait, 1, 20) <= 0) continue;
      const int client = ::accept(socket_, nullptr, nullptr);
      if (client < 0) continue;
      handle(client);
      ::close(client);
    }
  }

  void handle(int client) {
    std::string request;
    char buffer[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(client, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      request.append(buffer, static_cast<std::size_t>(got));
    }
    const std::size_t begin = request.find(' ') + 1;
    const Answer answer = next_answer(request.substr(begin, request.find(' ', begin) - begin));
    std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " -\r\nConnection: close\r\n";
    if (!answer.endless) {
      head += "Content-Length: " +
              std::to_string(answer.announced ? *answer.announced : answer.body.size()) + "\r\n";
    }
    if (!answer.location.empty()) head += "Location: " + answer.location + "\r\n";
    if (!send(client, head + "\r\n")) return;
    if (answer.endless) {
      while (!stop_ && send(client, answer.body)) {
      }
    } else if (answer.trickle_ms > 0) {
      for (std::size_t i = 0; i < answer.body.size() && !stop_; ++i) {
        if (!send(client, answer.body.substr(i, 1))) return;
        pause(answer.trickle_ms);
      }
    } else {
      send(client, answer.body.substr(0, answer.body.size() / 2));
      pause(answer.pause_ms);
      send(client, answer.body.substr(answer.body.size() / 2));
    }
  }

  void pause(int ms) const {
    for (int waited = 0; waited < ms && !stop_; waited += 20) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  Answer next_answer(const std::string& path) {
    const std::scoped_lock lock(mutex_);
    const auto request = static_cast<std::size_t>(requests_[path]++);
    const auto found = answers_.find(path);
    if (found == answers_.end()) return {.status = 404, .body = "no such page"};
    const std::vector<Answer>& answers = found->second;
    return answers[request < answers.size() ? request : answers.size() - 1];
  }

  /// False when the client has left.
  static bool send(int client, const std::string& text) {
    std::size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t put = ::send(client, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (put <= 0) return false;
      sent += static_cast<std::size_t>(put);
    }
    return true;
  }

  int socket_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::map<std::string, std::vector<Answer>> answers_;
  std::map<std::string, int> requests_;
  std::thread thread_;
};

}  // namespace reel::testing
