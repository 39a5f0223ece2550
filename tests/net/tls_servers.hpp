// Real TLS servers on the loopback interface, as child processes, and certificates for them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ratebatch {

// A child process that is ended with its owner.
class ChildProcess {
 public:
  // Starts `command` (found by PATH) with all its output readable here.
  explicit ChildProcess(const std::vector<std::string>& command);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  // The next line of its output, without the line end; empty at the end of the output.
  std::string read_line();

  // Asks it to end, and waits until it has.
  void terminate();

  // Waits for its end; true where it ended with 0.
  bool succeeded();

 private:
  pid_t pid_ = -1;
  int output_ = -1;
};

// Writes certificate.pem and key.pem into the folder, self-signed for this IP address or name
// ("IP:127.0.0.1"). False: the openssl program is missing or failed.
bool make_certificate(const std::string& folder, const std::string& subject_alt_name);

// openssl s_server: answers GET with a page, HTTP/1 only.
class OpensslServer {
 public:
  explicit OpensslServer(const std::string& folder);
  [[nodiscard]] std::string url() const { return "https://127.0.0.1:" + port_ + "/"; }

 private:
  ChildProcess process_;
  std::string port_;
};

bool is_nginx_installed();

// nginx with HTTP/2: answers every request with the protocol it came by, below /early with 429 and
// before it has read the body, below /behind with what the server on that port says. Says goodbye
// to each connection after 7 requests, and writes one line per request to access.log in the folder.
class NginxServer {
 public:
  explicit NginxServer(const std::string& folder, std::uint16_t behind = 0);
  NginxServer(const NginxServer&) = delete;
  NginxServer& operator=(const NginxServer&) = delete;
  ~NginxServer();

  [[nodiscard]] std::uint16_t port() const { return reservation_.port; }
  [[nodiscard]] std::string url() const {
    return "https://127.0.0.1:" + std::to_string(reservation_.port) + "/";
  }

 private:
  // A port that is bound but does not listen: nobody else gets it, nginx shares it.
  struct Reservation {
    int descriptor = -1;
    std::uint16_t port = 0;
  };
  static Reservation reserve_port();
  static std::vector<std::string> command(const std::string& folder, std::uint16_t port,
                                          std::uint16_t behind);

  Reservation reservation_;
  ChildProcess process_;
};

}  // namespace ratebatch
