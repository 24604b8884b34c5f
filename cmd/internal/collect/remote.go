package collect

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"
	"github.com/spf13/pflag"

	"github.com/telltale-net/telltale/collector/remotewrite"
)

// remoteSettings say how servers are written to, whichever they are.
type remoteSettings struct {
	User, PasswordFile, Bearer string
	CA, Cert, Key              string
	Samples                    int
	Timeout                    time.Duration
}

func (r *remoteSettings) Flags(fs *pflag.FlagSet) {
	d := remotewrite.DefaultConfig()
	fs.StringVar(&r.User, "remote-write-user", "", "user for the URLs")
	fs.StringVar(&r.PasswordFile, "remote-write-password-file", "", "file with the user's password")
	fs.StringVar(&r.Bearer, "remote-write-bearer-file", "", "file with a bearer token for the URLs, instead of a user")
	fs.StringVar(&r.CA, "remote-write-ca", "", "file with the authority of the URLs' certificates (default: the system's)")
	fs.StringVar(&r.Cert, "remote-write-cert", "", "file with our certificate for the URLs")
	fs.StringVar(&r.Key, "remote-write-key", "", "file with its key")
	fs.IntVar(&r.Samples, "remote-write-samples", d.Samples, "samples in a request, at most")
	fs.DurationVar(&r.Timeout, "remote-write-timeout", d.Timeout, "how long a request may take")
}

// config returns the configuration for a URL, without a folder.
func (r *remoteSettings) config(u string) remotewrite.Config {
	c := remotewrite.DefaultConfig()
	c.URL, c.User, c.PasswordFile, c.BearerFile = u, r.User, r.PasswordFile, r.Bearer
	c.CA, c.Cert, c.Key, c.Samples, c.Timeout = r.CA, r.Cert, r.Key, r.Samples, r.Timeout
	return c
}

// RemoteWrite says where a command sends metrics of the past to.
type RemoteWrite struct {
	url    string
	labels []string
	remoteSettings
}

// Flags defines the settings.
func (r *RemoteWrite) Flags(fs *pflag.FlagSet) {
	fs.StringVar(&r.url, "remote-write", "", "URL that metrics are sent to by Prometheus remote write (empty = none)")
	r.remoteSettings.Flags(fs)
	labelFlag(fs, &r.labels)
}

// Asked reports whether metrics are to be sent.
func (r *RemoteWrite) Asked() bool { return r.url != "" }

// Config returns what the settings say but for a folder, or what is wrong with them.
func (r *RemoteWrite) Config() (remotewrite.Config, error) {
	c := r.config(r.url)
	c.Dir = os.TempDir() // for the check
	return c, c.Check()
}

// Labels returns the labels that all metrics get.
func (r *RemoteWrite) Labels() ([]prompb.Label, error) { return labelsOf(r.labels) }

func labelFlag(fs *pflag.FlagSet, to *[]string) {
	fs.StringArrayVar(to, "metrics-label", nil, "label of all metrics that are kept and sent, NAME=VALUE (repeatable; without their like: job=telltale and instance=this host's name)")
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// labelsOf reads the labels that all metrics get.
func labelsOf(settings []string) ([]prompb.Label, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	all := []prompb.Label{{Name: "instance", Value: host}, {Name: "job", Value: "telltale"}}
	for _, text := range settings {
		name, value, ok := strings.Cut(text, "=")
		if !ok || !labelName.MatchString(name) || strings.HasPrefix(name, "__") || value == "" {
			return nil, fmt.Errorf("metrics-label: got %q, want NAME=VALUE", text)
		}
		switch name {
		case "instance":
			all[0].Value = value
		case "job":
			all[1].Value = value
		default:
			all = append(all, prompb.Label{Name: name, Value: value})
		}
	}
	return all, nil
}
