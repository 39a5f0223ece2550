#include "net/json_file_filter.hpp"

#include <algorithm>
#include <utility>

#include "ratebatch/base/ascii.hpp"

namespace ratebatch::net {
namespace {

// Of a value, taken and written at once. libcurl hands over as much.
constexpr std::size_t piece_bytes_max = std::size_t{16} << 10U;

// RFC 8259, section 7: a backslash and one byte, or \u and four.
bool is_whole(std::string_view escape) {
  return escape.size() == 6 || (escape.size() == 2 && escape[1] != 'u');
}

// What a whole escape stands for, as far as base64 can be written so; else a zero byte.
char meaning_of(std::string_view escape) {
  if (escape.size() == 2) return escape[1] == '/' ? '/' : '\0';
  const unsigned code = whole_number<unsigned>(escape.substr(2), 16).value_or(0);
  return code < 0x80 ? static_cast<char>(code) : '\0';
}

// The length of "data:image/png;base64," at the beginning of a value; 0: there is none.
std::size_t prefix_bytes(std::string_view value) {
  constexpr std::string_view end_mark = ";base64,";
  if (!value.starts_with("data:")) return 0;
  const std::size_t end = value.find(end_mark);
  return end == std::string_view::npos ? 0 : end + end_mark.size();
}

}  // namespace

Result<void> JsonFileFilter::take(std::string_view bytes) {
  while (!bytes.empty()) {
    RB_TRY(taken, take_some(bytes));
    bytes.remove_prefix(*taken);
  }
  return {};
}

void JsonFileFilter::finish(HttpReply& reply) {
  forget_value();
  reply.body = std::move(text_);
  for (BodyFile& file : files_) reply.files.push_back(file.release());
  files_.clear();
}

Result<std::size_t> JsonFileFilter::take_some(std::string_view bytes) {
  switch (place_) {
    case Place::elsewhere:
    case Place::behind_name:
    case Place::behind_colon:
      return take_between(bytes);
    case Place::in_text:
    case Place::in_value:
    case Place::in_kept_value:
      return take_string(bytes);
    case Place::in_file:
      break;
  }
  return take_value(bytes);
}

// Up to the next string and its quote.
std::size_t JsonFileFilter::take_between(std::string_view bytes) {
  const std::size_t quote = std::min(bytes.find('"'), bytes.size());
  for (std::size_t i = 0; i < quote && place_ != Place::elsewhere; ++i) {
    if (is_blank(bytes[i])) continue;
    const bool is_colon = bytes[i] == ':' && place_ == Place::behind_name;
    place_ = is_colon ? Place::behind_colon : Place::elsewhere;
  }
  if (quote == bytes.size()) {
    text_ += bytes;
    return quote;
  }
  text_ += bytes.substr(0, quote + 1);
  string_at_ = text_.size();
  escaped_ = false;
  place_ = place_ == Place::behind_colon ? Place::in_value : Place::in_text;
  return quote + 1;
}

// Up to the string's closing quote.
std::size_t JsonFileFilter::take_text(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (std::exchange(escaped_, false)) {
      ++at;
      continue;
    }
    at = std::min(bytes.find_first_of("\"\\", at), bytes.size());
    if (at == bytes.size() || bytes[at] == '"') break;
    escaped_ = true;
    ++at;
  }
  text_ += bytes.substr(0, at);
  return at;
}

Result<std::size_t> JsonFileFilter::take_string(std::string_view bytes) {
  const std::size_t taken = take_text(bytes);
  if (place_ == Place::in_value && text_.size() - string_at_ >= reply_file_text_bytes_min) {
    if (Result<void> begun = begin_file(); !begun) return pass(begun);
    return taken;
  }
  if (taken == bytes.size()) return taken;
  end_string();
  return taken + 1;
}

void JsonFileFilter::end_string() {
  const std::string_view name = std::string_view(text_).substr(string_at_);
  const std::vector<std::string>& names = wanted_.members;
  const bool is_wanted =
      place_ == Place::in_text && std::find(names.begin(), names.end(), name) != names.end();
  text_ += '"';
  place_ = is_wanted ? Place::behind_name : Place::elsewhere;
}

// What came of the value is text so far; it is taken once more, as a value.
Result<void> JsonFileFilter::begin_file() {
  place_ = Place::in_kept_value;
  if (no_files_ || files_begun_ == reply_files_max) return {};
  Result<BodyFile> file =
      BodyFile::create(wanted_.folder + "/" + wanted_.stem + "-" + std::to_string(files_.size()));
  no_files_ = !file;
  if (no_files_) return {};
  ++files_begun_;
  file_.emplace(std::move(*file));
  place_ = Place::in_file;
  const std::string value = text_.substr(string_at_);
  text_.resize(string_at_);
  std::string_view left = value;
  prefix_ = left.substr(0, prefix_bytes(left));
  left.remove_prefix(prefix_.size());
  escaped_ = false;
  while (!left.empty() && place_ == Place::in_file) {
    RB_TRY(taken, take_value(left));
    left.remove_prefix(*taken);
  }
  take_text(left);
  return {};
}

// Up to the value's closing quote, or to what is no base64.
Result<std::size_t> JsonFileFilter::take_value(std::string_view bytes) {
  bytes = bytes.substr(0, piece_bytes_max);
  std::size_t at = 0;
  bool is_good = true;
  while (is_good && at < bytes.size()) {
    if (!escape_.empty() || bytes[at] == '\\') {
      is_good = take_escape(bytes[at]);
      if (is_good) ++at;
      continue;
    }
    if (bytes[at] == '"') {
      if (Result<void> ended = end_file(); !ended) return pass(ended);
      return at;
    }
    const std::size_t taken = decoder_.take(bytes.substr(at), decoded_);
    is_good = taken > 0;
    at += taken;
  }
  is_good = is_good && (decoded_.size() < piece_bytes_max / 2 || write_decoded());
  if (!is_good) {
    if (Result<void> back = give_back(); !back) return pass(back);
  }
  return at;
}

// False, and not taken: with it the escape is none, or stands for nothing that base64 may hold
// here.
bool JsonFileFilter::take_escape(char c) {
  escape_ += c;
  const bool is_broken = escape_.size() > 2 && !is_hex_digit(c);
  if (!is_broken && !is_whole(escape_)) return true;
  const char meaning = is_broken ? '\0' : meaning_of(escape_);
  if (decoder_.take({&meaning, 1}, decoded_) == 1) {
    escape_.clear();
    return true;
  }
  escape_.pop_back();
  return false;
}

Result<void> JsonFileFilter::end_file() {
  if (!decoder_.finish(decoded_) || !write_decoded()) return give_back();
  no_files_ = !file_->complete();
  if (no_files_) return give_back();
  text_ += "file:" + std::to_string(files_.size());
  files_.push_back(std::move(*file_));
  forget_value();
  place_ = Place::in_kept_value;
  return {};
}

// False: the disk does not take it.
bool JsonFileFilter::write_decoded() {
  no_files_ = !file_->write(decoded_);
  if (!no_files_) decoded_.clear();
  return !no_files_;
}

// Puts the value back into the text, where the rest of it follows.
Result<void> JsonFileFilter::give_back() {
  text_ += prefix_;
  RB_TRY(read, file_->read([this](std::string_view piece) { append_base64(text_, piece); }));
  append_base64(text_, decoded_);
  text_ += decoder_.pending();
  text_ += escape_;
  escaped_ = escape_ == "\\";
  forget_value();
  place_ = Place::in_kept_value;
  return {};
}

void JsonFileFilter::forget_value() {
  file_.reset();
  prefix_.clear();
  decoded_.clear();
  decoder_ = {};
  escape_.clear();
}

}  // namespace ratebatch::net
