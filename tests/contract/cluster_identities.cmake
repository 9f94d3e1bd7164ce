add_doctest_binary(cluster_identities_fake_contract SOURCES cluster_identities_fake_test.cpp
                   DEPENDS control_ports common)
add_doctest_binary(cluster_identities_openssl_contract SOURCES cluster_identities_openssl_test.cpp
                   DEPENDS control_pki common)
add_dependencies(sanitized cluster_identities_fake_contract cluster_identities_openssl_contract)
