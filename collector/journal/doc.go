// Package journal is the log: postcards in blocks ([block]) in a NATS JetStream
// stream, in this process by default, on a cluster by URL, with the same code. It is
// also the bus: who follows the log sees what others record.
//
//	Append → block fills or grows old → encode, several at once → publish in order → JetStream has it → OnStored
//	                                                                              ↘ cannot be kept → OnShed
//
// While blocks wait, they are packed less tightly, in less time.
//
// Every block has an id of its own, so that one published again after a lost answer
// is kept once. Blocks lie under subjects that say when their records were received,
//
//	PREFIX.<bucket>.<slot>     bucket = Received / 1000 s, slot = the ten seconds within, 00 to 99
//
// so that a reader opens those of its window only; the block's header spares it more.
// The pages of the ledger (package ledger), which say what did not arrive meanwhile, lie
// beside them, under PREFIX.<bucket>.<slot>.loss of the slot in which they begin.
//
// # What durable means
//
// OnStored comes when JetStream has answered: with a server in this process the block
// is in the operating system's hands then, and survives the end of the process by
// whatever signal; a power cut may take the last two minutes, unless [Config.Sync] has
// every block written through. On a cluster the answer comes from a majority.
//
// When the disk has less than [Config.Reserve] left, or JetStream cannot keep a block,
// blocks are shed and counted, [Stats] says why, and the journal goes on as soon as
// there is room again. Blocks that are in the log already stay readable.
package journal
