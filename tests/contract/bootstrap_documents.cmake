add_doctest_binary(bootstrap_documents_fake_contract SOURCES bootstrap_documents_fake_test.cpp
                   DEPENDS control_ports control_core protocol_messages common)
add_doctest_binary(bootstrap_documents_json_contract SOURCES bootstrap_documents_json_test.cpp
                   DEPENDS control_kubeadm control_core protocol_messages common)
add_dependencies(sanitized bootstrap_documents_fake_contract bootstrap_documents_json_contract)
