// Package p4rt is a controller's session with one switch over P4Runtime.
//
// What lives here: the stream with arbitration and reconnection, the pipeline
// push, batched writes with one error per update, streaming reads, packet I/O, and
// the reconciliation of what a switch has with what it should have. What it should
// have is decided elsewhere. Nothing here knows whether the switch is embedded or
// real: it only speaks P4Runtime.
//
//	s, err := p4rt.Dial("127.0.0.1:9559", creds, p4rt.Config{DeviceID: 1, Election: p4rt.Election{Low: 1}})
//	go s.Run(ctx)                      // keeps the stream up, arbitrates again after each loss
//	err = s.WaitPrimary(ctx)
//	err = s.PushPipeline(ctx, p4rt.Pipeline{P4Info: text, DeviceConfig: json})
//	res, err := s.Apply(ctx, desired)  // read, compare, write the difference
//	err = s.Close()                    // nothing is left running
//
// P4Info lookup and entity builders by name are those of p4runtime-go-client
// ([Session.Builder]); its Run, Write and pipeline push are not used, because they
// neither reconnect nor batch, nor take the P4Info of today's p4c.
//
// # Switches that do less
//
// simple_switch_grpc (p4lang/PI) answers less than the specification asks for:
//
//   - it reports API version 1.3.0 and has no roles: leave Config.Role empty;
//   - only CONTINUE_ON_ERROR: it is the only mode used here;
//   - no registers and no value sets: reads and writes of them come back as
//     UNIMPLEMENTED errors, nothing here depends on them;
//   - no empty action profile groups: their INSERT fails with UNIMPLEMENTED, which
//     [Session.Apply] reports like any failed update;
//   - some wildcard reads (packet replication, direct counters of all tables,
//     digests) may be UNIMPLEMENTED. Apply then cannot know what is there: it
//     inserts what is desired, modifies what turns out to exist, deletes nothing of
//     that kind, and says so in [Result.Degraded].
package p4rt
