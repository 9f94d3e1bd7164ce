#pragma once

#include <string>
#include <vector>

#include <pqxx/pqxx>

#ifndef PQXX_VERSION_MAJOR
#include <pqxx/version>
#endif

// The one call that libpqxx 6 and 7 do not share: a prepared statement with a number of parameters
// that is known only at run time.
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

}  // namespace dure::control
