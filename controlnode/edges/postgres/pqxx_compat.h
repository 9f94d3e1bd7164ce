#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <pqxx/pqxx>

#ifndef PQXX_VERSION_MAJOR
#include <pqxx/version>
#endif

// The calls that libpqxx 6 and 7 do not share: a statement, prepared under a name or given as text, with a number of
// parameters that is known only at run time, in text or in binary form.
namespace dure::control {

template <class Parameters>
pqxx::result run_pqxx(pqxx::transaction_base& transaction, const std::string& name, const std::string& text,
                      const Parameters& parameters) {
#if PQXX_VERSION_MAJOR >= 7
  return name.empty() ? transaction.exec(text, parameters) : transaction.exec(pqxx::prepped{name}, parameters);
#else
  const auto params = pqxx::prepare::make_dynamic_params(parameters);
  return name.empty() ? transaction.exec_params(text, params) : transaction.exec_prepared(name, params);
#endif
}

// `name` empty: the statement is `text`.
inline pqxx::result run_with(pqxx::transaction_base& transaction, const std::string& name, const std::string& text,
                             const std::vector<std::string>& parameters) {
#if PQXX_VERSION_MAJOR >= 7
  pqxx::params params;
  params.reserve(parameters.size());
  for (const std::string& parameter : parameters) params.append(parameter);
  return run_pqxx(transaction, name, text, params);
#else
  return run_pqxx(transaction, name, text, parameters);
#endif
}

inline pqxx::result run_with_binary(pqxx::transaction_base& transaction, const std::string& name, const std::string& text,
                                    const std::vector<std::string>& parameters) {
#if PQXX_VERSION_MAJOR >= 7
  pqxx::params params;
  params.reserve(parameters.size());
  for (const std::string& parameter : parameters) {
    params.append(pqxx::bytes_view{reinterpret_cast<const std::byte*>(parameter.data()), parameter.size()});
  }
  return run_pqxx(transaction, name, text, params);
#else
  std::vector<pqxx::binarystring> params;
  params.reserve(parameters.size());
  for (const std::string& parameter : parameters) params.emplace_back(parameter);
  return run_pqxx(transaction, name, text, params);
#endif
}

}  // namespace dure::control
