#ifndef EPHEMERA_TESTS_INTEGRATION_DATABASE_H_
#define EPHEMERA_TESTS_INTEGRATION_DATABASE_H_

#include <string>

namespace ephemera {

// The controller's database from outside of the program.

// Path of the SQLite file in `data_dir`; empty where there is none.
std::string FindDatabase(const std::string& data_dir);

// Executes one statement on the file and returns the first column of its first
// row, or "error: ..." .
std::string Sql(const std::string& file, const std::string& statement);

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_INTEGRATION_DATABASE_H_
