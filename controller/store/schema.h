#ifndef EPHEMERA_CONTROLLER_STORE_SCHEMA_H_
#define EPHEMERA_CONTROLLER_STORE_SCHEMA_H_

#include <string>
#include <vector>

namespace ephemera::controller {

// The migrations of the controller's database, for Migrate(). A migration that
// was released is never edited: changes are a new one.
//
// Times are INTEGER microseconds since the Unix epoch, fleet time; a roll-up's
// time is the start of its minute or hour. The large tables begin their key
// with (agent_id, time_us): what arrives together lies together, so that a
// snapshot of a hundred groups touches a few pages and retention deletes from
// one end. They have no foreign keys: each batch proves its agent in
// agent_boots.
std::vector<std::string> SchemaMigrations();

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_SCHEMA_H_
