#include "sandbox/prose.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "ratebatch/base/random.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::sandbox {
namespace {

constexpr std::size_t names_max = 3;
constexpr std::size_t name_bytes_max = 80;  // Longer runs are headlines, not names.

// In all sentences @ stands for the first name of the prompt and # for the second.
using Choices = std::array<std::string_view, 4>;

constexpr std::array<Choices, 7> biography = {{
    {"Some voices arrive with a fanfare; @ came in by the side door and stayed.",
     "There are artists you hear, and artists of whom you remember where you heard them first; @ "
     "belongs to the second kind.",
     "Long before the posters, @ was a name that friends wrote for each other on copied tapes.",
     "Ask three listeners about @ and you will get four favourite records."},
    {"The songs are built with patience: a plain line, a turn that nobody expects, and room to "
     "breathe in between.",
     "What sounds effortless is the work of many mornings, and of a firm belief in the second "
     "draft.",
     "Every record begins quietly, as if to ask who is listening, and answers the question itself.",
     "The melodies are short enough to hum and strange enough to keep."},
    {"Mention # in any good record shop and someone will reach for @ without being asked.",
     "It is hard to speak of # for long before @ enters the conversation.",
     "Between # and the rest of the world, @ has kept a door open and a lamp lit.",
     "Whoever comes to # by way of @ tends to stay longer than planned."},
    {"On stage, little is explained: the lights go down, somebody counts to four, and the evening "
     "takes care of itself.",
     "The concerts are remembered for their silences as much as for their noise.",
     "Those who saw the early shows tell of small rooms, wet coats and a sound that did not fit "
     "inside.",
     "A good night ends with the band smiling at one another and the audience missing its bus."},
    {"Younger musicians borrow the phrasing and soon discover that it cannot be borrowed.",
     "The influence is easy to hear and hard to point at, like weather.",
     "Producers praise the ear for detail; drummers praise the refusal to hurry.",
     "Critics have tried many words for it, and listeners have managed with none."},
    {"Between records there were long walks, cancelled plans and notebooks filled from both ends.",
     "Interviews are rare and end, as a rule, with a recommendation of somebody else's album.",
     "The workshop is said to hold two chairs, one good microphone and no clock.",
     "Fame was treated as one treats a neighbour's dog: kindly, and from a slight distance."},
    {"New listeners are advised to start anywhere and to keep the evening free.",
     "The next chapter is being written; it will, one hopes, be played loud.",
     "Begin with the quiet songs, and let the loud ones find you.",
     "It is music for leaving home by, and, later, for finding the way back."},
}};

constexpr std::array<Choices, 6> email = {{
    {"Subject: An idea for #", "Subject: One question about #", "Subject: # and the months ahead",
     "Subject: Something that may help #"},
    {"\n\nDear @,\n\n", "\n\nHello @,\n\n", "\n\nGood morning @,\n\n", "\n\nDear @,\n\n"},
    {"people who know # tell me that the details matter there, so I will keep to them.",
     "I came across # last week and have been thinking about one small part of your work since.",
     "I am writing because what we make may save # a few long evenings.",
     "you will have more letters than hours, so this one is short."},
    {" We do one thing, carefully, and stay reachable after it is done.",
     " We start small, agree on a price before anything begins, and finish on the day we said.",
     " Most of our work comes from people who told a friend about it.",
     " We would look at what you have first and leave alone whatever works."},
    {" It takes about a week, and nobody on your side has to learn anything new.",
     " A first try costs you a telephone call; everything after that is your decision.",
     " I can send two examples that come close to your case, each on a single page.",
     " If it turns out not to fit, I will say so before you do."},
    {"\n\nWould Tuesday or Thursday suit you for ten minutes on the telephone?\n\nKind regards",
     "\n\nWhom would I best speak to about this?\n\nWith good wishes",
     "\n\nMay I send you the two examples?\n\nKind regards",
     "\n\nIs this something you would like to see before the season starts?\n\nWarm regards"},
}};

constexpr std::array<Choices, 4> general = {{
    {"The short answer is that @ rewards a second look.",
     "Three things are worth knowing about @ before anything else.",
     "It helps to take @ one step at a time.",
     "Seen from a distance @ looks simple; up close it is better than that."},
    {"Start with what is certain, write it down, and let the rest wait until it has to be decided.",
     "Begin where the ground is firm and keep the first attempt small.",
     "Gather what you already have; it is usually more than it seems.",
     "Name the one result that matters and measure everything else against it."},
    {"After that, compare it with #, because the differences teach more than the likeness.",
     "Then turn to #, where the same question has a different shape.",
     "What holds for # holds here too, with one exception that becomes clear in practice.",
     "Keep # in mind, since it sets the pace for whatever follows."},
    {"With a little patience the remaining questions answer each other.",
     "Whoever gets this far can judge the rest without help.",
     "It will not be perfect the first time, and it does not have to be.",
     "That is enough to begin with; the finer points come with use."},
}};

std::string filled(std::string_view text, std::string_view first, std::string_view second) {
  std::string out;
  for (const char c : text) {
    if (c == '@') {
      out += first;
    } else if (c == '#') {
      out += second;
    } else {
      out += c;
    }
  }
  return out;
}

std::string sentences(std::span<const Choices> slots, std::string_view between, Rng rng,
                      std::string_view first, std::string_view second) {
  std::string text;
  for (const Choices& choices : slots) {
    if (!text.empty()) text += between;
    text += filled(choices[rng.below(choices.size())], first, second);
  }
  return text;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// ASCII and the Latin-1 letters (U+00C0 to U+00DE in UTF-8); other scripts have no say here.
bool is_capitalised(std::string_view word) {
  if (word.empty()) return false;
  if (word[0] >= 'A' && word[0] <= 'Z') return true;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(word[i]); };
  return word.size() > 1 && byte(0) == 0xC3 && byte(1) >= 0x80 && byte(1) <= 0x9E;
}

// A word without the punctuation around it, and what that punctuation says.
struct Word {
  std::string_view bare;
  bool ends_name = false;      // Any punctuation behind it.
  bool ends_sentence = false;  // A full stop, or the end of the line.
  bool is_label = false;       // "Artist:"
};

Word word_of(std::string_view raw, bool last_of_line) {
  constexpr std::string_view marks = ".,;:!?()[]{}<>\"'*_/";
  const std::size_t from = std::min(raw.find_first_not_of(marks), raw.size());
  const std::size_t to = raw.find_last_not_of(marks) + 1;
  const std::string_view behind = to > from ? raw.substr(to) : raw;
  return {.bare = to > from ? raw.substr(from, to - from) : std::string_view{},
          .ends_name = !behind.empty() || last_of_line,
          .ends_sentence = last_of_line || behind.find_first_of(".!?") != std::string_view::npos,
          .is_label = behind.find(':') != std::string_view::npos};
}

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  for (std::size_t at = 0; at < text.size();) {
    if (is_space(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && !is_space(text[end])) ++end;
    words.push_back(word_of(text.substr(at, end - at), end < text.size() && text[end] == '\n'));
    at = end;
  }
  return words;
}

bool holds_any(std::string_view text, std::initializer_list<std::string_view> needles) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::ranges::any_of(needles,
                             [&](std::string_view n) { return lower.find(n) != lower.npos; });
}

}  // namespace

std::vector<std::string> names_in(std::string_view prompt) {
  std::vector<std::string> names;
  std::string run;
  bool begins = true;
  const auto close_run = [&] {
    const bool known = std::ranges::find(names, run) != names.end();
    if (!run.empty() && run.size() <= name_bytes_max && !known) names.push_back(run);
    run.clear();
  };
  for (const Word& word : words_of(prompt)) {
    if (names.size() == names_max) return names;
    if (is_capitalised(word.bare) && !word.is_label && !begins && !has_control_byte(word.bare)) {
      if (!run.empty()) run += ' ';
      run += word.bare;
    } else {
      close_run();
    }
    if (word.ends_name) close_run();
    begins = word.ends_sentence;
  }
  if (names.size() < names_max) close_run();
  return names;
}

std::string answer_text(std::uint64_t seed, std::string_view prompt) {
  const std::vector<std::string> names = names_in(prompt);
  const Rng rng(mixed(seed, prompt));
  const auto name = [&](std::size_t index, std::string_view otherwise) {
    return index < names.size() ? std::string_view(names[index]) : otherwise;
  };
  if (holds_any(prompt, {"email", "e-mail"})) {
    return sentences(email, "", rng, name(0, "neighbour"), name(1, "your plans"));
  }
  if (holds_any(prompt, {"biograph", " bio "})) {
    return sentences(biography, " ", rng, name(0, "this artist"), name(1, "the old neighbourhood"));
  }
  return sentences(general, " ", rng, name(0, "the question"), name(1, "its nearest neighbour"));
}

std::int64_t character_count(std::string_view text) {
  return std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; });
}

std::int64_t token_count(std::int64_t characters) { return (characters + 3) / 4; }

std::string_view first_tokens(std::string_view text, std::int64_t tokens) {
  std::int64_t characters = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80) continue;
    if (characters++ / 4 >= tokens) return text.substr(0, at);
  }
  return text;
}

std::uint64_t mixed(std::uint64_t seed, std::string_view text) {
  const std::string hex = fnv1a_64_hex(text);
  std::uint64_t hash = 0;
  std::from_chars(hex.data(), hex.data() + hex.size(), hash, 16);
  return Rng(seed ^ Rng(hash).next()).next();
}

}  // namespace ratebatch::sandbox
