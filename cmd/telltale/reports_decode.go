package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/report/profile"
	"github.com/telltale-net/telltale/collector/reportsjson"
	"github.com/telltale-net/telltale/internal/dissect"
)

// decodeFlags are the flags of "reports decode" as they are written.
type decodeFlags struct {
	format, hex, profile    string
	port                    uint16
	profiles, domains       []string
	dscp, probe             string
	intPort, gre, geneve    uint16
	gpe                     uint8
	beforeOptions, noSniff  bool
	shimCounted, protoFirst bool
}

func newReportsDecodeCmd() *cobra.Command {
	var f decodeFlags
	cmd := &cobra.Command{
		Use:   "decode [flags] FILE|-",
		Short: "Decode Telemetry Reports and packets with INT from a capture, one object each",
		Long: `Decode Telemetry Reports (0.5, 1.0, 2.0) and data packets that carry In-band Network
Telemetry (INT-MD and INT-MX 0.5, 1.0, 2.x) from a pcap or pcapng file, or from text
with one UDP payload or one Ethernet frame in hex per line (empty lines and lines that
start with # are passed over). "-" reads the standard input.

Every individual report and every packet with INT becomes one JSON object on a line of
its own, its fields named as in the specifications; what cannot be read becomes an
object with "error" and its position. A summary goes to the standard error.

What the specifications leave to the emitter (names of drop reasons, units and widths
of time, hw_id, layouts that deviate) is read by a profile: that of --profile or
--source-profile, or else one guessed from the traffic, and "profile_guessed" says so.
The profiles are ` + strings.Join(profile.Names(), ", ") + `.

INT in data packets is found by the marks of the domain (--int-…), and without them by
its looks where it can hardly be anything else.

The exit status is 0 when everything was read, 1 when anything was malformed, and 2
when the input or output itself failed.`,
		Example: `  telltale reports decode capture.pcap
  telltale reports decode --port 32766 --source-profile 10.0.0.0/8=fabric-tna capture.pcapng
  telltale reports decode --int-dscp 0x17 --domain 0x1234=1,2,1 frames.hex`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(cmd *cobra.Command, args []string) error {
			opt, err := f.options()
			if err != nil {
				return err
			}
			in := cmd.InOrStdin()
			if args[0] != "-" {
				file, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("cannot decode reports: %w", err)
				}
				defer file.Close()
				var done func()
				in, done = watched(cmd, file, "decoding")
				defer done()
			}
			return decodeReports(cmd, in, opt)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.format, "format", string(reportsjson.JSON), "how to write reports: json or text")
	fs.Uint16Var(&f.port, "port", 0, "only datagrams to this UDP port are reports (0 = all)")
	fs.StringVar(&f.hex, "hex", string(reportsjson.Auto), "what lines of hex text are: auto, datagrams or frames")
	fs.StringVar(&f.profile, "profile", "", "profile of all emitters (default: guessed)")
	fs.StringArrayVar(&f.profiles, "source-profile", nil, "profile of the emitters of a prefix, PREFIX=PROFILE (repeatable; the longest prefix wins)")
	fs.StringArrayVar(&f.domains, "domain", nil, "words per bit of a domain's metadata, ID=N,N,… from bit 0 (repeatable; 0 = not known; a trailing s: source-only)")
	fs.StringVar(&f.dscp, "int-dscp", "", "packets with this DSCP carry INT, VALUE or VALUE/MASK")
	fs.Uint16Var(&f.intPort, "int-port", 0, "packets to this TCP or UDP port carry INT")
	fs.StringVar(&f.probe, "int-probe", "", "packets with this 64-bit probe marker behind the ports carry INT")
	fs.Uint16Var(&f.gre, "int-gre", 0, "protocol type of GRE that says INT")
	fs.Uint8Var(&f.gpe, "int-vxlan-gpe", 0, "next protocol of VXLAN-GPE that says INT (default 130)")
	fs.Uint16Var(&f.geneve, "int-geneve", 0, "option class of Geneve that says INT (default 259)")
	fs.BoolVar(&f.beforeOptions, "int-before-tcp-options", false, "INT stands before the options of TCP")
	fs.BoolVar(&f.shimCounted, "int-shim-counted", false, "Length of the shim counts the shim itself")
	fs.BoolVar(&f.protoFirst, "int-proto-first", false, "of a shim with NPT 2 the protocol is the first of the two bytes")
	fs.BoolVar(&f.noSniff, "int-marked-only", false, "know INT by its marks only, not by its looks")
	return cmd
}

// options returns what the flags say.
func (f *decodeFlags) options() (opt reportsjson.Options, err error) {
	opt = reportsjson.Options{
		Format: reportsjson.Format(f.format), Port: f.port, Hex: reportsjson.Hex(f.hex), NoSniff: f.noSniff,
		Marks: dissect.Marks{
			Port: f.intPort, GREProtocol: f.gre, GPENext: f.gpe, GeneveClass: f.geneve,
			BeforeTCPOptions: f.beforeOptions, ShimCounted: f.shimCounted, ProtoFirst: f.protoFirst,
		},
	}
	if f.profile != "" {
		if opt.Profile = profile.ByName(f.profile); opt.Profile == nil {
			return opt, fmt.Errorf("--profile: got %q, want one of %s", f.profile, strings.Join(profile.Names(), ", "))
		}
	}
	for _, s := range f.profiles {
		r, err := profile.ParseRule(s)
		if err != nil {
			return opt, fmt.Errorf("--source-profile: %w", err)
		}
		opt.Profiles = append(opt.Profiles, r)
	}
	for _, s := range f.domains {
		d, err := report.ParseDomain(s)
		if err != nil {
			return opt, fmt.Errorf("--domain: %w", err)
		}
		opt.Domains = append(opt.Domains, d)
	}
	if f.dscp != "" {
		value, mask, masked := strings.Cut(f.dscp, "/")
		if !masked {
			mask = "0x3f"
		}
		v, err1 := strconv.ParseUint(value, 0, 6)
		m, err2 := strconv.ParseUint(mask, 0, 6)
		if err1 != nil || err2 != nil || m == 0 || v&^m != 0 {
			return opt, fmt.Errorf("--int-dscp: got %q, want VALUE or VALUE/MASK of six bits, no bit of VALUE outside MASK", f.dscp)
		}
		opt.Marks.DSCP, opt.Marks.DSCPMask = uint8(v), uint8(m)
	}
	if f.probe != "" {
		if opt.Marks.Probe, err = strconv.ParseUint(f.probe, 0, 64); err != nil || opt.Marks.Probe == 0 {
			return opt, fmt.Errorf("--int-probe: got %q, want a number of 64 bits other than 0", f.probe)
		}
	}
	return opt, nil
}

func decodeReports(cmd *cobra.Command, in io.Reader, opt reportsjson.Options) error {
	sum, err := reportsjson.Decode(cmd.Context(), cmd.OutOrStdout(), in, opt)
	if err != nil {
		return fmt.Errorf("cannot decode reports: %w", err)
	}
	fmt.Fprintln(cmd.ErrOrStderr(), sum)
	if sum.Malformed > 0 {
		return errWrong
	}
	return nil
}
