# How tests join the build.
#
# ratebatch_test(NAME <exe> [SOURCES <files>...] [LINK <targets>...])
#   A doctest binary; each TEST_CASE becomes the test "<exe>:<its name>".
# ratebatch_python_test(NAME <name> SCRIPT <file> [ARGS <arguments>...] [TIMEOUT <seconds>])
#   A Python script (standard library only) that fails by its exit code. It finds the program in
#   RATEBATCH_BINARY and the project in RATEBATCH_SOURCE_DIR, and runs in its own build folder.
# ratebatch_test_program(NAME <exe> [SOURCES <files>...] [LINK <targets>...])
#   A program of the tests that has its own main and is not a test by itself.

include("${doctest_DIR}/doctest.cmake")

# Sanitizers make programs slower, not wrong.
set(ratebatch_test_patience 1)
if(RATEBATCH_SANITIZE)
  set(ratebatch_test_patience 5)
endif()

function(ratebatch_test_program)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SOURCES;LINK")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_NAME)
    message(FATAL_ERROR "NAME is missing, or unknown: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_SOURCES)
    return()
  endif()
  add_executable(${arg_NAME} ${arg_SOURCES})
  # Tests may look at private headers.
  target_include_directories(${arg_NAME}
    PRIVATE "${PROJECT_SOURCE_DIR}/tests" "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(${arg_NAME} PRIVATE ${arg_LINK} ratebatch_warnings ratebatch_settings)
endfunction()

function(ratebatch_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SOURCES;LINK")
  ratebatch_test_program(${ARGV})
  if(NOT TARGET ${arg_NAME})
    return()
  endif()
  target_link_libraries(${arg_NAME} PRIVATE ratebatch_doctest_main doctest::doctest)
  math(EXPR timeout "120 * ${ratebatch_test_patience}")
  # A name that the filter does not find again would run nothing and pass.
  doctest_discover_tests(${arg_NAME}
    TEST_PREFIX "${arg_NAME}:"
    PROPERTIES TIMEOUT ${timeout} FAIL_REGULAR_EXPRESSION "test cases: *0 [|]")
endfunction()

function(ratebatch_python_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;SCRIPT;TIMEOUT" "ARGS")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_NAME OR NOT arg_SCRIPT)
    message(FATAL_ERROR "NAME or SCRIPT is missing, or unknown: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * ${ratebatch_test_patience}")
  cmake_path(ABSOLUTE_PATH arg_SCRIPT)
  set(environment "RATEBATCH_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
  if(TARGET ratebatch)
    list(APPEND environment "RATEBATCH_BINARY=$<TARGET_FILE:ratebatch>")
  endif()
  # -B: no bytecode beside the sources.
  add_test(NAME ${arg_NAME} COMMAND Python3::Interpreter -B "${arg_SCRIPT}" ${arg_ARGS})
  set_tests_properties(${arg_NAME} PROPERTIES
    TIMEOUT ${arg_TIMEOUT} ENVIRONMENT "${environment}")
endfunction()
