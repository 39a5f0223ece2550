#include "input/yaml_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::input {
namespace {

int line_of(const YAML::Mark& mark) { return mark.line + 1; }

[[noreturn]] void refuse(const YAML::Mark& mark, const std::string& message) {
  throw YAML::ParserException(mark, message);
}

// Builds the tree from parser events; what we refuse leaves as the exception that yaml-cpp itself
// uses, and goes no further than parse_yaml.
class YamlTreeBuilder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    add(mark, node_of(YamlNode::Kind::null, mark));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "aliases (*name) are not supported; write the value out");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    check_tag(mark, tag);
    if (wants_key()) return begin_entry(mark, value);
    YamlNode node = node_of(YamlNode::Kind::scalar, mark);
    node.text = value;
    node.quoted = tag == "!";
    add(mark, std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, YamlNode::Kind::list);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, YamlNode::Kind::map);
  }
  void OnMapEnd() override { close(); }

  YamlNode take_root() { return std::move(root_); }

 private:
  // A list or map that is not complete yet.
  struct Frame {
    YamlNode node;
    YAML::Mark mark;
    std::set<std::string> keys{};
    std::string key{};
    int key_line = 0;
    bool has_key = false;
  };

  static YamlNode node_of(YamlNode::Kind kind, const YAML::Mark& mark) {
    YamlNode node;
    node.kind = kind;
    node.line = line_of(mark);
    return node;
  }

  static void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") refuse(mark, "tags (!name) are not supported");
  }

  [[nodiscard]] bool wants_key() const {
    return !frames_.empty() && frames_.back().node.kind == YamlNode::Kind::map &&
           !frames_.back().has_key;
  }

  void begin_entry(const YAML::Mark& mark, const std::string& key) {
    Frame& frame = frames_.back();
    if (!frame.keys.insert(key).second) {
      refuse(mark, fmt::format("key '{}' stands twice", escaped(key, 80)));
    }
    frame.key = key;
    frame.key_line = line_of(mark);
    frame.has_key = true;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YamlNode::Kind kind) {
    check_tag(mark, tag);
    if (wants_key()) refuse(mark, "expected a plain key, found a list or a map");
    if (frames_.size() == yaml_depth_max) {
      refuse(mark, fmt::format("lists and maps are nested more than {} deep", yaml_depth_max));
    }
    frames_.push_back({node_of(kind, mark), mark});
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    add(frame.mark, std::move(frame.node));
  }

  // Puts a complete value at its place.
  void add(const YAML::Mark& mark, YamlNode node) {
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    if (wants_key()) refuse(mark, "expected a key, found nothing");
    Frame& frame = frames_.back();
    if (frame.has_key) {
      node.key = std::move(frame.key);
      node.line = frame.key_line;
      frame.has_key = false;
    }
    frame.node.items.push_back(std::move(node));
  }

  YamlNode root_;
  std::vector<Frame> frames_;
};

// yaml-cpp takes byte 4 for the end of the text: what follows would be ignored silently.
tl::expected<void, YamlError> check_bytes(std::string_view text) {
  const auto bad = std::find_if_not(text.begin(), text.end(), is_text_byte);
  if (bad != text.end()) {
    const auto line = static_cast<int>(1 + std::count(text.begin(), bad, '\n'));
    return tl::unexpected<YamlError>({line, "a control character; expected plain text"});
  }
  if (!is_valid_utf8(text)) {
    return tl::unexpected<YamlError>({1, "invalid UTF-8; save the file as UTF-8"});
  }
  return {};
}

}  // namespace

tl::expected<YamlNode, YamlError> parse_yaml(std::string_view text) {
  if (auto checked = check_bytes(text); !checked) {
    return tl::unexpected<YamlError>(std::move(checked.error()));
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    YamlTreeBuilder builder;
    parser.HandleNextDocument(builder);
    YamlNode root = builder.take_root();
    YamlTreeBuilder second;
    if (parser.HandleNextDocument(second)) {
      return tl::unexpected<YamlError>({1, "more than one YAML document in the file"});
    }
    return root;
  } catch (const YAML::Exception& e) {
    return tl::unexpected<YamlError>(
        {line_of(e.mark), fmt::format("not valid YAML here: {}", escaped(e.msg, 200))});
  }
}

}  // namespace ratebatch::input
