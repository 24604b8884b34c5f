// Package dataplane speaks p4.bm.DataplaneInterface, the gRPC service by which
// simple_switch_grpc takes and gives packets without network interfaces. One client
// drives BMv2's switch and ours.
//
// What lives here: the messages and stubs, generated from dataplane.proto
// (dataplane.pb.go, dataplane_grpc.pb.go), and a [Client] for those who want to know
// everything a packet became before they send the next.
package dataplane

//go:generate protoc --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative dataplane.proto
