// The floor of the end-to-end rows: what libcurl alone does with the same requests, one thread and
// the same number of connections, with nothing stored and no answer looked at.
//
//   ratebatch_bare_loop URL BODIES CONNECTIONS
//
// BODIES holds one request body per line. Ends with 1 if any answer was no 200.
#include <curl/curl.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <string>
#include <vector>

namespace {

// As ratebatch sends them.
constexpr const char* request_headers[] = {"content-type: application/json",
                                           "accept: application/json",
                                           "Authorization: Bearer sk-bench", "Expect:"};

struct Slot {
  CURL* easy = nullptr;
  std::string reply;
};

std::size_t keep(char* bytes, std::size_t size, std::size_t count, void* slot) {
  static_cast<Slot*>(slot)->reply.append(bytes, size * count);
  return size * count;
}

class BareLoop {
 public:
  BareLoop(const std::string& url, std::vector<std::string> bodies, std::size_t connections)
      : bodies_(std::move(bodies)), slots_(connections) {
    for (const char* header : request_headers) headers_ = curl_slist_append(headers_, header);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(connections));
    for (Slot& slot : slots_) {
      slot.easy = curl_easy_init();
      curl_easy_setopt(slot.easy, CURLOPT_URL, url.c_str());
      curl_easy_setopt(slot.easy, CURLOPT_HTTPHEADER, headers_);
      curl_easy_setopt(slot.easy, CURLOPT_WRITEFUNCTION, &keep);
      curl_easy_setopt(slot.easy, CURLOPT_WRITEDATA, static_cast<void*>(&slot));
      curl_easy_setopt(slot.easy, CURLOPT_PRIVATE, static_cast<void*>(&slot));
      curl_easy_setopt(slot.easy, CURLOPT_NOSIGNAL, 1L);
    }
  }
  BareLoop(const BareLoop&) = delete;
  BareLoop& operator=(const BareLoop&) = delete;

  ~BareLoop() {
    for (const Slot& slot : slots_) curl_easy_cleanup(slot.easy);
    curl_slist_free_all(headers_);
    curl_multi_cleanup(multi_);
  }

  // Sends every body once. Returns how many answers were no 200.
  std::size_t run() {
    for (Slot& slot : slots_) send(slot);
    int running = 1;
    while (running > 0) {
      curl_multi_perform(multi_, &running);
      int queued = 0;
      while (const CURLMsg* message = curl_multi_info_read(multi_, &queued)) {
        if (message->msg == CURLMSG_DONE) take(message->easy_handle, message->data.result);
      }
      if (in_flight_ == 0) break;
      running = 1;
      curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
    return refused_;
  }

 private:
  void send(Slot& slot) {
    if (next_ == bodies_.size()) return;
    const std::string& body = bodies_[next_++];
    slot.reply.clear();
    curl_easy_setopt(slot.easy, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(slot.easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_multi_add_handle(multi_, slot.easy);
    ++in_flight_;
  }

  void take(CURL* easy, CURLcode code) {
    long status = 0;
    void* owner = nullptr;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
    if (code != CURLE_OK || status != 200) ++refused_;
    curl_multi_remove_handle(multi_, easy);
    --in_flight_;
    send(*static_cast<Slot*>(owner));
  }

  std::vector<std::string> bodies_;
  std::vector<Slot> slots_;
  CURLM* multi_ = curl_multi_init();
  curl_slist* headers_ = nullptr;
  std::size_t next_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t refused_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: ratebatch_bare_loop URL BODIES CONNECTIONS\n", stderr);
    return 2;
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  std::ifstream file(argv[2]);
  std::vector<std::string> bodies;
  for (std::string line; std::getline(file, line);) bodies.push_back(line);
  std::size_t refused = 0;
  {
    BareLoop loop(argv[1], std::move(bodies), std::strtoul(argv[3], nullptr, 10));
    refused = loop.run();
  }
  curl_global_cleanup();
  if (refused > 0) std::fprintf(stderr, "%zu answers were no 200\n", refused);
  return refused == 0 ? 0 : 1;
}
