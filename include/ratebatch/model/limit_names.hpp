// The short names of limits: {r,t,i,it,ot,c}p{s,m,h,d,mo}, such as "rpm" or "tpd". What a
// configuration, the built-in table and the command line call them.
#pragma once

#include <array>
#include <chrono>
#include <string_view>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::inline model {

struct LimitName {
  std::string_view name;
  Resource resource = Resource::requests;
  Duration window{};
};

// All of them, by resource and then by length.
constexpr std::array<LimitName, 30> limit_names = {{
    {"rps", Resource::requests, std::chrono::seconds{1}},
    {"rpm", Resource::requests, std::chrono::minutes{1}},
    {"rph", Resource::requests, std::chrono::hours{1}},
    {"rpd", Resource::requests, std::chrono::hours{24}},
    {"rpmo", Resource::requests, month_window},
    {"tps", Resource::tokens, std::chrono::seconds{1}},
    {"tpm", Resource::tokens, std::chrono::minutes{1}},
    {"tph", Resource::tokens, std::chrono::hours{1}},
    {"tpd", Resource::tokens, std::chrono::hours{24}},
    {"tpmo", Resource::tokens, month_window},
    {"ips", Resource::images, std::chrono::seconds{1}},
    {"ipm", Resource::images, std::chrono::minutes{1}},
    {"iph", Resource::images, std::chrono::hours{1}},
    {"ipd", Resource::images, std::chrono::hours{24}},
    {"ipmo", Resource::images, month_window},
    {"itps", Resource::input_tokens, std::chrono::seconds{1}},
    {"itpm", Resource::input_tokens, std::chrono::minutes{1}},
    {"itph", Resource::input_tokens, std::chrono::hours{1}},
    {"itpd", Resource::input_tokens, std::chrono::hours{24}},
    {"itpmo", Resource::input_tokens, month_window},
    {"otps", Resource::output_tokens, std::chrono::seconds{1}},
    {"otpm", Resource::output_tokens, std::chrono::minutes{1}},
    {"otph", Resource::output_tokens, std::chrono::hours{1}},
    {"otpd", Resource::output_tokens, std::chrono::hours{24}},
    {"otpmo", Resource::output_tokens, month_window},
    {"cps", Resource::characters, std::chrono::seconds{1}},
    {"cpm", Resource::characters, std::chrono::minutes{1}},
    {"cph", Resource::characters, std::chrono::hours{1}},
    {"cpd", Resource::characters, std::chrono::hours{24}},
    {"cpmo", Resource::characters, month_window},
}};

// The limit of this name; nullptr if there is none.
constexpr const LimitName* find_limit_name(std::string_view name) {
  for (const LimitName& known : limit_names) {
    if (known.name == name) return &known;
  }
  return nullptr;
}

}  // namespace ratebatch::inline model
