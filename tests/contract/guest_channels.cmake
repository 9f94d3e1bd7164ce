add_doctest_binary(guest_channels_fake_contract SOURCES guest_channels_fake_test.cpp
                   DEPENDS host_ports host_core Threads::Threads)
add_doctest_binary(guest_channels_unix_contract SOURCES guest_channels_unix_test.cpp DEPENDS host_guest)
add_dependencies(sanitized guest_channels_fake_contract guest_channels_unix_contract)
