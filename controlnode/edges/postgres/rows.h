#pragma once

#include <string>
#include <vector>

#include "controlnode/core/change.h"
#include "controlnode/core/model.h"
#include "controlnode/core/placement/chain.h"
#include "controlnode/edges/postgres/table.h"

namespace dure::control {

// Between a kind of row and its table: rows_*.cpp.
template <class Row>
struct RowMap;

// Events of successive numbers.
struct EventPage {
  std::vector<EventRow> events;
};

#define DURE_ROW_MAP(Row)                                  \
  template <>                                              \
  struct RowMap<Row> {                                     \
    static const Table& table();                           \
    static void write(RowWriter& writer, const Row& row);  \
    static Row read(RowReader& reader);                    \
  }

// What one record says of its fleet, encoded.
struct FleetRow {
  std::uint64_t number = 0;
  std::string fleet;
};

DURE_ROW_MAP(Site);
DURE_ROW_MAP(Host);
DURE_ROW_MAP(Image);
DURE_ROW_MAP(Flavor);
DURE_ROW_MAP(Project);
DURE_ROW_MAP(KeyPair);
DURE_ROW_MAP(Cluster);
DURE_ROW_MAP(Node);
DURE_ROW_MAP(Network);
DURE_ROW_MAP(Claim);
DURE_ROW_MAP(Removal);
DURE_ROW_MAP(Operation);
DURE_ROW_MAP(IdempotencyRecord);
DURE_ROW_MAP(EventPage);
DURE_ROW_MAP(PutOrder);
DURE_ROW_MAP(HostObservation);
DURE_ROW_MAP(PutIdentity);
DURE_ROW_MAP(ClusterAccess);
DURE_ROW_MAP(PlacementRecord);
DURE_ROW_MAP(FleetRow);
DURE_ROW_MAP(SegmentSize);

#undef DURE_ROW_MAP

}  // namespace dure::control
