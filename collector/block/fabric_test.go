package block

import (
	"github.com/telltale-net/telltale/collector/block/blocktest"
	"github.com/telltale-net/telltale/collector/postcard"
)

func fabric(seed uint64, n, flows int) []postcard.Record {
	return blocktest.Fabric(seed, 1_800_000_000_000_000_000, n, flows)
}
