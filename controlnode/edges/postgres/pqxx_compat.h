#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <pqxx/pqxx>

#ifndef PQXX_VERSION_MAJOR
#include <pqxx/version>
#endif

// The calls that libpqxx 6 and 7 do not share: a prepared statement with a number of parameters that is known
// only at run time, in text or in binary form.
namespace dure::control {

inline pqxx::result run_prepared(pqxx::transaction_base& transaction, const std::string& name,
                                 const std::vector<std::string>& parameters) {
#if PQXX_VERSION_MAJOR >= 7
  pqxx::params params;
  params.reserve(parameters.size());
  for (const std::string& parameter : parameters) params.append(parameter);
  return transaction.exec(pqxx::prepped{name}, params);
#else
  return transaction.exec_prepared(name, pqxx::prepare::make_dynamic_params(parameters));
#endif
}

inline pqxx::result run_prepared_binary(pqxx::transaction_base& transaction, const std::string& name,
                                        const std::vector<std::string>& parameters) {
#if PQXX_VERSION_MAJOR >= 7
  pqxx::params params;
  params.reserve(parameters.size());
  for (const std::string& parameter : parameters) {
    params.append(pqxx::bytes_view{reinterpret_cast<const std::byte*>(parameter.data()), parameter.size()});
  }
  return transaction.exec(pqxx::prepped{name}, params);
#else
  std::vector<pqxx::binarystring> params;
  params.reserve(parameters.size());
  for (const std::string& parameter : parameters) params.emplace_back(parameter);
  return transaction.exec_prepared(name, pqxx::prepare::make_dynamic_params(params));
#endif
}

}  // namespace dure::control
