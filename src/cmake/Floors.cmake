# ratebatch_floor(NAME <folder>
#                 [DEPENDS <lower folders>...]
#                 [PUBLIC_LIBRARIES <targets that our headers show>...]
#                 [LIBRARIES <targets used only in the sources>...]
#                 [SOURCES <files>...])
#
# Declares the library ratebatch_<folder>. A folder without sources is a set of headers. What is
# not named here (or by a folder in DEPENDS) cannot be linked, which is how the core stays free
# of the network and the database.
function(ratebatch_floor)
  cmake_parse_arguments(PARSE_ARGV 0 floor "" "NAME"
                        "DEPENDS;PUBLIC_LIBRARIES;LIBRARIES;SOURCES")
  if(floor_UNPARSED_ARGUMENTS OR NOT floor_NAME)
    message(FATAL_ERROR "ratebatch_floor: NAME is missing, or unknown: ${floor_UNPARSED_ARGUMENTS}")
  endif()
  list(TRANSFORM floor_DEPENDS PREPEND ratebatch_)

  set(target ratebatch_${floor_NAME})
  if(floor_SOURCES)
    add_library(${target} STATIC ${floor_SOURCES})
    target_include_directories(${target}
      PUBLIC "${PROJECT_SOURCE_DIR}/include"
      PRIVATE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(${target}
      PUBLIC ${floor_DEPENDS} ${floor_PUBLIC_LIBRARIES}
      PRIVATE ${floor_LIBRARIES} ratebatch_warnings ratebatch_settings)
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE "${PROJECT_SOURCE_DIR}/include")
    target_link_libraries(${target} INTERFACE ${floor_DEPENDS} ${floor_PUBLIC_LIBRARIES})
  endif()
endfunction()
