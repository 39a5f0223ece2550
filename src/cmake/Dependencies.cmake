# Third-party libraries, all from the system. Every missing one is named at once, by its Debian
# package. Which folder may use which library is written in that folder's CMakeLists.txt.

set(ratebatch_missing "")

# Finds a package by its CMake name; the rest of the arguments go to find_package.
macro(ratebatch_need package debian purpose)
  find_package(${package} ${ARGN} QUIET)
  if(NOT ${package}_FOUND)
    list(APPEND ratebatch_missing "${debian}")
    string(APPEND ratebatch_missing_text "  ${debian}: ${purpose}\n")
  endif()
endmacro()

ratebatch_need(fmt libfmt-dev "text formatting")
ratebatch_need(date libhowardhinnant-date-dev "time zones")
ratebatch_need(tl-expected libexpected-dev "values or errors")
ratebatch_need(nlohmann_json nlohmann-json3-dev "JSON")
ratebatch_need(simdjson libsimdjson-dev "JSON of jobs and replies, fast")
ratebatch_need(yaml-cpp libyaml-cpp-dev "the configuration file")
ratebatch_need(SQLite3 libsqlite3-dev "the checkpoint")
ratebatch_need(CURL libcurl4-openssl-dev "HTTP")
ratebatch_need(CLI11 libcli11-dev "the command line")

# libevent comes without a CMake package.
ratebatch_need(PkgConfig pkg-config "finding libevent")
if(PkgConfig_FOUND)
  pkg_check_modules(libevent QUIET IMPORTED_TARGET
                    libevent_core libevent_extra libevent_pthreads)
endif()
if(NOT libevent_FOUND)
  list(APPEND ratebatch_missing libevent-dev)
  string(APPEND ratebatch_missing_text "  libevent-dev: the sandbox server\n")
endif()

if(RATEBATCH_BUILD_TESTS)
  ratebatch_need(doctest doctest-dev "unit tests")
  ratebatch_need(Python3 python3 "tests of the whole program" COMPONENTS Interpreter)
endif()

if(ratebatch_missing)
  list(JOIN ratebatch_missing " " ratebatch_missing)
  message(FATAL_ERROR "Libraries are missing:\n${ratebatch_missing_text}"
                      "On Debian or Ubuntu: apt-get install ${ratebatch_missing}")
endif()
