# What our own code is compiled with. Two interface targets carry it, so that nothing leaks into
# third-party headers or into a project that embeds this one:
#   ratebatch_warnings  what the compiler should say
#   ratebatch_settings  language, hardening, sanitizers

include(CheckCXXCompilerFlag)
include(CheckPIESupported)

# The oldest compilers the project is built and tested with.
set(ratebatch_gcc_min 12)
set(ratebatch_clang_min 19)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(ratebatch_compiler_min ${ratebatch_gcc_min})
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  set(ratebatch_compiler_min ${ratebatch_clang_min})
endif()
if(DEFINED ratebatch_compiler_min AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS ratebatch_compiler_min)
  message(FATAL_ERROR
    "${CMAKE_CXX_COMPILER} is ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}; ratebatch is "
    "C++20 and needs GCC ${ratebatch_gcc_min} or Clang ${ratebatch_clang_min}, or newer. Install one "
    "and name it: cmake -DCMAKE_CXX_COMPILER=g++-12 in an empty build directory.")
endif()

get_property(ratebatch_multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT ratebatch_multi_config AND NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
check_pie_supported(LANGUAGES CXX)

find_program(CCACHE_PROGRAM ccache)
mark_as_advanced(CCACHE_PROGRAM)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

add_library(ratebatch_warnings INTERFACE)
target_compile_options(ratebatch_warnings INTERFACE
  -Wall
  -Wextra
  -Wpedantic
  -Wconversion
  -Wsign-conversion
  -Wdouble-promotion
  -Wshadow
  -Wold-style-cast
  -Wcast-align
  -Wformat=2
  -Wundef
  -Wimplicit-fallthrough
  -Wnon-virtual-dtor
  -Woverloaded-virtual
  -Werror=format-security
  # A designated initialiser leaves members to their defaults on purpose.
  -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op -Wtrampolines -Wbidi-chars=any>
  $<$<BOOL:${RATEBATCH_DEVELOPER}>:-Werror>)

add_library(ratebatch_settings INTERFACE)
target_compile_features(ratebatch_settings INTERFACE cxx_std_20)
target_compile_definitions(ratebatch_settings INTERFACE _GLIBCXX_ASSERTIONS)
# Source paths in assertion messages are relative to the project.
target_compile_options(ratebatch_settings INTERFACE
  "-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")
set(CMAKE_CXX_EXTENSIONS OFF)

# Adds a compile flag to ratebatch_settings for optimised builds, where the compiler knows it.
function(ratebatch_harden flag)
  string(MAKE_C_IDENTIFIER "RATEBATCH_HAS${flag}" known)
  set(CMAKE_REQUIRED_FLAGS "-Werror")
  check_cxx_compiler_flag("${flag}" ${known})
  if(${known})
    target_compile_options(ratebatch_settings INTERFACE "$<$<NOT:$<CONFIG:Debug>>:${flag}>")
  endif()
endfunction()

if(RATEBATCH_SANITIZE)
  # Fortified functions hide from the sanitizers what they should see, and -fno-strict-overflow
  # makes the overflow they look for legal: none of the hardening below applies here.
  target_compile_options(ratebatch_settings INTERFACE
    -fsanitize=${RATEBATCH_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(ratebatch_settings INTERFACE -fsanitize=${RATEBATCH_SANITIZE})
else()
  # The compiler options hardening guide of the OpenSSF; flags too new for a compiler are left out.
  set(CMAKE_REQUIRED_QUIET ON)
  foreach(flag IN ITEMS
      -fstack-protector-strong
      -fstack-clash-protection
      -fcf-protection=full
      -fstrict-flex-arrays=3
      -ftrivial-auto-var-init=zero
      -fzero-init-padding-bits=all
      -fno-delete-null-pointer-checks
      -fno-strict-overflow
      -fno-strict-aliasing)
    ratebatch_harden(${flag})
  endforeach()
  # Undefined first: some distributions set a lower level by default. Without -O it only warns.
  target_compile_options(ratebatch_settings INTERFACE
    "$<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>" "$<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>")
  target_link_options(ratebatch_settings INTERFACE
    LINKER:-z,noexecstack
    LINKER:-z,relro
    LINKER:-z,now
    LINKER:--no-copy-dt-needed-entries)
endif()
# Both with and without sanitizers: a library that nothing calls is not loaded.
target_link_options(ratebatch_settings INTERFACE LINKER:--as-needed)
