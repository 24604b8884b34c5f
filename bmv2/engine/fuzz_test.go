package engine_test

import (
	"os"
	"testing"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/spec"
	"github.com/telltale-net/telltale/p4src"
)

// FuzzPacket sends any bytes through programs with everything configured.
func FuzzPacket(f *testing.F) {
	progs := []*engine.Program{compileFile(f, "testdata/walk.json"), compileFile(f, "testdata/stacks.json")}
	for _, p := range []p4src.Program{p4src.Fabric, p4src.VSwitch} {
		sp, err := spec.Load(p.JSON)
		if err != nil {
			f.Fatal(err)
		}
		prog, err := engine.Compile(sp)
		if err != nil {
			f.Fatal(err)
		}
		progs = append(progs, prog)
	}
	for which := range byte(4) {
		f.Add(which, uint16(1), vxlanFrame(10))
		f.Add(which, uint16(p4src.CPUPort), vxlanFrame(10))
	}
	for first := range byte(5) {
		f.Add(byte(1), uint16(1), []byte{first << 4, first, 3, 5, 7, 9, 11, 2, 1, 1})
	}
	for op := range byte(20) {
		f.Add(byte(0), uint16(9), append([]byte{op, 4, 0, 33}, "some payload that is long enough to be cut"...))
	}
	f.Fuzz(func(t *testing.T, which byte, port uint16, data []byte) {
		if len(data) > 10000 {
			return
		}
		s := engine.New(progs[int(which)%len(progs)], engine.Config{CPUPort: p4src.CPUPort, QueuesPerPort: 2})
		for _, id := range []uint32{7, p4src.ReportSession} {
			if err := s.SetCloneSession(device.CloneSession{ID: id, Replicas: []device.Replica{{Port: 1, Instance: 1}, {Port: 2}}, PacketLength: 60}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.SetMulticastGroup(device.MulticastGroup{ID: 33, Replicas: []device.Replica{{Port: 1, Instance: 1}, {Port: 2}}}); err != nil {
			t.Fatal(err)
		}
		s.Receive(1000, port, data)
		s.Receive(2000, port, data)
		s.Run(3000, func(tx engine.Tx) {})
		if _, ok := s.Next(); ok {
			t.Error("packets wait although all ports are infinitely fast")
		}
	})
}

// FuzzProgram runs packets through whatever loads.
func FuzzProgram(f *testing.F) {
	for _, file := range []string{"testdata/walk.json", "testdata/stacks.json"} {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, []byte{1, 4, 0, 33, 1, 2, 3, 4})
	}
	f.Fuzz(func(t *testing.T, program, data []byte) {
		sp, err := spec.Load(program)
		if err != nil {
			return
		}
		prog, err := engine.Compile(sp)
		if (prog == nil) != (err != nil) {
			t.Errorf("got %v and %v", prog, err)
		}
		if err != nil || len(data) > 2000 {
			return
		}
		s := engine.New(prog, engine.Config{})
		s.Receive(1000, 1, data)
		s.Run(2000, func(engine.Tx) {})
	})
}
