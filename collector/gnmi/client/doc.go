// Package client asks devices over gNMI for the counters of their interfaces, queues and
// pipelines (dial-in), and puts what they say into the collector's tree, where each
// device is a target of its own with data of origin openconfig.
//
//	device ◀─ Subscribe, STREAM ─ Client ─▶ tree.Tree ─▶ model.Join, gNMI subscribers
//	          a stream for each path:
//	            /interfaces/interface[name=*]/state/counters                      SAMPLE
//	            /qos/interfaces/interface[interface-id=*]/output/queues/queue[name=*]/state
//	                                                                              SAMPLE
//	            /components/component[name=*]/integrated-circuit/pipeline-counters/drop
//	                                                                              SAMPLE
//	            /interfaces/interface[name=*]/state/id, …/state/ifindex           ON_CHANGE
//
// A path that a device does not serve fails alone, and is asked for again now and then.
// A stream that ends is opened again after a pause that grows from [Config.Retry] to
// [Config.MaxRetry]; so is one that tells nothing for three sample intervals although it
// used to. Until then what it said stays in the tree and the device is stale
// ([Status.Stale]); after [Config.Keep] it goes. What a stream does not repeat when it
// comes back is gone too.
//
// Encodings: PROTO where the device has it, else JSON_IETF, else JSON. Names of modules
// in paths and JSON are dropped. Of what a device sends, the leaves of the tree's schema
// are kept, [Config.Leaves] at most; the rest is counted.
//
// From: gNMI specification 0.10, sections 2 and 3.5. The extensions are not used.
package client
