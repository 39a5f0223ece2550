#include <doctest/doctest.h>

#include <string>

#include "ratebatch/base/text.hpp"

namespace ratebatch::glob_test {
namespace {

TEST_CASE("a star stands for any text, a question mark for one byte") {
  struct Row {
    const char* pattern;
    const char* text;
    bool fits;
  };
  constexpr Row rows[] = {{"", "", true},
                          {"", "a", false},
                          {"*", "", true},
                          {"*", "abc", true},
                          {"a", "a", true},
                          {"a", "b", false},
                          {"a", "", false},
                          {"a*", "a", true},
                          {"a*", "ab", true},
                          {"a*", "ba", false},
                          {"*a", "ba", true},
                          {"*a", "bab", false},
                          {"a*c", "abbc", true},
                          {"a*c", "abcb", false},
                          {"a*b*c", "axbxbxc", true},
                          {"a*b*c", "axcxb", false},
                          {"K?", "K1", true},
                          {"K?", "K", false},
                          {"K?", "K12", false},
                          {"*?", "", false},
                          {"*?", "x", true},
                          {"**", "x", true},
                          {"[a]", "a", false},
                          {"A", "a", false}};
  for (const Row& row : rows) {
    CAPTURE(row.pattern);
    CAPTURE(row.text);
    CHECK(matches_glob(row.pattern, row.text) == row.fits);
  }
}

TEST_CASE("a pattern of many stars does not take for ever") {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  CHECK_FALSE(matches_glob(pattern + "b", std::string(10'000, 'a')));
}

}  // namespace
}  // namespace ratebatch::glob_test
