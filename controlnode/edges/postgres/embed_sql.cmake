# Writes a source file that holds every migration of `folder`, so that the program needs no path to
# find them. A changed, new or missing file configures again.
function(embed_sql folder output)
  file(GLOB files CONFIGURE_DEPENDS "${folder}/[0-9][0-9][0-9][0-9]_*.sql")
  list(SORT files)
  set(rows "")
  foreach(file ${files})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    get_filename_component(name "${file}" NAME)
    string(REGEX MATCH "^[0-9]+" digits "${name}")
    math(EXPR number "1${digits} - 10000")
    file(READ "${file}" text)
    if(text MATCHES "\\)dure_sql\"")
      message(FATAL_ERROR "${name} holds the mark that ends an embedded file")
    endif()
    string(APPEND rows "      {${number}, \"${name}\", R\"dure_sql(${text})dure_sql\"},\n")
  endforeach()
  string(
    CONCAT source
           "#include \"controlnode/edges/postgres/migrations.h\"\n\n"
           "namespace dure::control {\n\n"
           "std::vector<Migration> embedded_migrations() {\n  return {\n${rows}  };\n}\n\n"
           "}  // namespace dure::control\n")
  file(CONFIGURE OUTPUT "${output}" CONTENT "@source@" @ONLY NEWLINE_STYLE UNIX)
endfunction()
