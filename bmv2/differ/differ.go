package differ

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/port/dataplane"
	"github.com/telltale-net/telltale/bmv2/randpkt"
	"github.com/telltale-net/telltale/bmv2/runner"
)

// Judge is the other switch, running and without a pipeline.
type Judge struct {
	Device uint64
	P4RT   grpc.ClientConnInterface // its P4Runtime server
	Data   grpc.ClientConnInterface // its packet stream
	Stop   func() error             // ends it; the error says what it died of, if it did
}

// Config is a comparison.
type Config struct {
	runner.Setup
	// Start starts the judge, anew if it has died.
	Start  func(ctx context.Context) (Judge, error)
	Inputs []runner.Input // packets given; nil = random ones
	Random int            // random packets
	Seed   uint64
	// Entries without a file are random, too.
	RandomEntries bool
	Ports         []uint16 // of random packets and entries; nil = 0 to 7
	// Patience is how long the judge may take for a packet, 0 = 30 s.
	Patience time.Duration
	Report   func(*Difference) error // hears of every difference
	Progress func(packets int)       // hears of every packet; may be nil
}

// Difference is something that the two switches do not do alike.
type Difference struct {
	// Update is the write that one of them refused; nil if it is about a packet.
	Update             *p4v1.Update
	Model, JudgeAnswer error // of the write: nil = accepted

	Packet int // from 1
	Port   uint16
	Data   []byte
	// What left by one switch and has no equal at the other.
	OnlyModel, OnlyJudge []Output
	Died                 error         // the judge did, of this packet
	Steps                []runner.Step // the packet's walk through the model
}

// Output is a packet that left by a port.
type Output struct {
	Port uint16
	Data []byte
}

// Class names the way in which a packet differs, for counting: what the model did to
// it, step by step, and which side has more.
func (d *Difference) Class() string {
	if d.Update != nil {
		return fmt.Sprintf("write: model says %v; judge says %v", d.Model, d.JudgeAnswer)
	}
	var b strings.Builder
	switch {
	case d.Died != nil:
		b.WriteString("the judge died")
	case len(d.OnlyModel) > len(d.OnlyJudge):
		b.WriteString("missing at the judge")
	case len(d.OnlyModel) < len(d.OnlyJudge):
		b.WriteString("missing at the model")
	default:
		b.WriteString("other bytes")
	}
	for i := range d.Steps {
		switch s := &d.Steps[i]; s.Event {
		case engine.EventAction.String(), engine.EventParserError.String(), engine.EventDrop.String(), engine.EventClone.String():
			b.WriteString(" > " + s.Name)
		case engine.EventState.String():
			b.WriteString(" ." + s.Name)
		}
	}
	return b.String()
}

// Summary is what came of a comparison.
type Summary struct {
	Updates     int    `json:"updates"` // entries that both took
	Refused     int    `json:"refused"` // … that both refused
	Packets     int    `json:"packets"`
	Out         uint64 `json:"out"`          // packets that left the judge
	Differences int    `json:"differences"`  // writes and packets
	TimeBytes   uint64 `json:"time_bytes"`   // bytes not compared, because the models differ there among themselves
	TimePackets uint64 `json:"time_packets"` // packets whose fate depends on time or chance, held against each that is possible
	Endless     uint64 `json:"endless"`      // packets that would never leave the switch; the judge did not get them
	Died        int    `json:"died"`         // times the judge died, among the differences

	Covered Coverage `json:"covered"`
}

// Run compares. Differences are no error; the error says what could not be compared.
func Run(ctx context.Context, cfg Config) (Summary, error) {
	d := &differ{cfg: cfg}
	err := d.run(ctx)
	if err != nil {
		err = fmt.Errorf("cannot compare: %w", err)
	}
	return d.sum, err
}

type differ struct {
	cfg        Config
	models     *models
	judge      Judge
	controller *runner.Controller
	data       *dataplane.Client
	written    []*p4v1.Update // what both took
	sum        Summary
}

// maxDeaths is how often the judge may die before the comparison is given up.
const maxDeaths = 100

func (d *differ) run(ctx context.Context) (err error) {
	if d.cfg.Patience == 0 {
		d.cfg.Patience = 30 * time.Second
	}
	if d.models, err = newModels(ctx, d.cfg.Program, d.cfg.Engine); err != nil {
		return err
	}
	defer func() {
		d.sum.Covered = d.models.cover.summary()
		err = errors.Join(err, d.models.close())
	}()
	if err := d.start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	rng := rand.New(rand.NewPCG(d.cfg.Seed, 0x9acce7))
	gen := randpkt.New(d.cfg.Program.Engine.Spec(), d.cfg.Program.Info, randpkt.Config{Ports: d.cfg.Ports})
	updates := d.cfg.Entries.GetUpdates()
	gen.Learn(updates)
	if d.cfg.RandomEntries {
		updates = append(updates[:len(updates):len(updates)], gen.Entries(rng)...)
	}
	if err := d.write(ctx, d.controller, updates); err != nil {
		return err
	}
	if d.cfg.Inputs != nil {
		if err := d.given(ctx); err != nil {
			return err
		}
	}
	for range d.cfg.Random {
		port, data := gen.Packet(rng)
		if err := d.packet(ctx, port, data); err != nil {
			return err
		}
	}
	return nil
}

// start starts a judge and gives it the program.
func (d *differ) start(ctx context.Context) (err error) {
	if d.judge, err = d.cfg.Start(ctx); err != nil {
		return fmt.Errorf("the judge: %w", err)
	}
	d.data = dataplane.NewClient(d.judge.Data, d.judge.Device)
	if d.controller, err = runner.NewController(ctx, d.judge.P4RT, d.judge.Device); err != nil {
		return errors.Join(fmt.Errorf("the judge: %w", err), d.judge.Stop())
	}
	if err := d.controller.Push(ctx, d.cfg.Program.Info, d.cfg.Program.JSON); err != nil {
		return errors.Join(fmt.Errorf("the judge: %w", err), d.stop())
	}
	if err := d.awaitData(ctx); err != nil {
		return errors.Join(fmt.Errorf("the judge: %w", err), d.stop())
	}
	return nil
}

// awaitData waits until the judge takes packets, which BMv2 does a moment after its
// servers answer, and not without a program.
func (d *differ) awaitData(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Patience)
	defer cancel()
	const retry = 5 * time.Millisecond
	for {
		_, err := d.data.Exchange(ctx, nil)
		if status.Code(err) != codes.Unavailable { // of no error it is OK
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retry):
		}
	}
}

func (d *differ) stop() error {
	return errors.Join(d.controller.Close(), d.judge.Stop())
}

// died reports that a packet killed the judge, and starts another with the same
// entries. What the judge had in registers and counters is gone.
func (d *differ) died(ctx context.Context, port uint16, data []byte, why error) error {
	at := fmt.Errorf("the judge, given packet %d on port %d, %x: %w", d.sum.Packets, port, data, why)
	if d.sum.Died++; d.sum.Died > maxDeaths || ctx.Err() != nil {
		return at
	}
	why = errors.Join(why, d.stop())
	if err := d.report(&Difference{Packet: d.sum.Packets, Port: port, Data: data, Died: why, Steps: d.models.rec.Take()}); err != nil {
		return err
	}
	if err := d.start(ctx); err != nil {
		return errors.Join(at, err)
	}
	errs, err := d.controller.Write(ctx, d.written)
	if err = errors.Join(append(errs, err)...); err != nil {
		return errors.Join(at, fmt.Errorf("started anew, the judge does not take its entries: %w", err))
	}
	return nil
}

func (d *differ) given(ctx context.Context) error {
	in, err := runner.Merge(d.cfg.Inputs)
	if err != nil {
		return err
	}
	for {
		var p runner.Packet
		if err := in.Next(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := d.packet(ctx, p.Port, p.Data); err != nil {
			return err
		}
	}
}

// write gives updates to both sides. What only one of them takes is a difference and
// is taken back there.
func (d *differ) write(ctx context.Context, c *runner.Controller, updates []*p4v1.Update) error {
	ours, err := d.models.write(ctx, updates)
	if err != nil {
		return err
	}
	theirs, err := c.Write(ctx, updates)
	if err != nil {
		return fmt.Errorf("the judge: %w", err)
	}
	var undoOurs, undoTheirs []*p4v1.Update
	for i, u := range updates {
		switch {
		case ours[i] == nil && theirs[i] == nil:
			d.sum.Updates++
			d.written = append(d.written, u)
			continue
		case ours[i] != nil && theirs[i] != nil:
			d.sum.Refused++
			continue
		case u.GetType() != p4v1.Update_INSERT:
			return fmt.Errorf("only one side takes %v, which cannot be taken back: model says %v; judge says %v", u, ours[i], theirs[i])
		case ours[i] == nil:
			undoOurs = append([]*p4v1.Update{{Type: p4v1.Update_DELETE, Entity: u.GetEntity()}}, undoOurs...)
		default:
			undoTheirs = append([]*p4v1.Update{{Type: p4v1.Update_DELETE, Entity: u.GetEntity()}}, undoTheirs...)
		}
		if err := d.report(&Difference{Update: u, Model: ours[i], JudgeAnswer: theirs[i]}); err != nil {
			return err
		}
	}
	errs, err := d.models.write(ctx, undoOurs)
	if err = errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("cannot take back what the judge refused: %w", err)
	}
	errs, err = c.Write(ctx, undoTheirs)
	if err = errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("cannot take back what the model refused: %w", err)
	}
	return nil
}

func (d *differ) report(diff *Difference) error {
	d.sum.Differences++
	return d.cfg.Report(diff)
}

// packet lets one packet into both sides and compares what leaves.
func (d *differ) packet(ctx context.Context, port uint16, data []byte) error {
	if len(data) == 0 {
		return fmt.Errorf("packet %d is empty, and BMv2 does not take those", d.sum.Packets+1)
	}
	d.sum.Packets++
	if d.cfg.Progress != nil {
		d.cfg.Progress(d.sum.Packets)
	}
	if !d.models.send(port, data) {
		d.sum.Endless++
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, d.cfg.Patience)
	got, err := d.data.Exchange(limited, []dataplane.Packet{{ID: uint64(d.sum.Packets), Port: port, Data: data}})
	cancel()
	if err != nil {
		return d.died(ctx, port, data, err)
	}
	judge := make([]output, len(got))
	for i, p := range got {
		judge[i] = output{p.Port, p.Data}
	}
	d.sum.Out += uint64(len(judge))
	shapes := agree(d.models.all)
	if len(shapes) > 1 {
		d.sum.TimePackets++
	}
	var rest pairing
	for i, e := range shapes {
		r := e.pair(judge)
		if r.empty() {
			d.sum.TimeBytes += e.masked()
			return nil
		}
		if i == 0 {
			rest = r
		}
	}
	return d.report(&Difference{
		Packet: d.sum.Packets, Port: port, Data: data,
		OnlyModel: outputs(rest.model), OnlyJudge: outputs(rest.judge), Steps: d.models.rec.Take(),
	})
}

func outputs(in []output) (out []Output) {
	for _, o := range in {
		out = append(out, Output{o.port, o.data})
	}
	return out
}
