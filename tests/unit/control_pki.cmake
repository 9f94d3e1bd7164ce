find_package(OpenSSL 3 REQUIRED)

add_doctest_binary(
  control_pki_unit
  SOURCES controlnode/edges/pki/certificates_test.cpp
          controlnode/edges/pki/key_list_test.cpp
          controlnode/edges/pki/openssl_tool_test.cpp
          controlnode/edges/pki/sealing_test.cpp
  DEPENDS control_pki common OpenSSL::Crypto)
add_dependencies(sanitized control_pki_unit)
