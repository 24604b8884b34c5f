package collect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"github.com/telltale-net/telltale/collector/ipfix/export"
)

// EnvPrefix stands before the names of settings in the environment.
const EnvPrefix = "TELLTALE_COLLECT_"

// Load sets what the flags in fs leave open from the environment (as os.Environ gives
// it), and what that leaves open from the YAML file at path, where there is one.
func Load(fs *pflag.FlagSet, path string, environ []string) error {
	fromFile, fromEnv := koanf.New("."), koanf.New(".")
	if path != "" {
		if err := fromFile.Load(file.Provider(path), yaml.Parser()); err != nil {
			return fmt.Errorf("cannot read settings from %s: %w", path, err)
		}
	}
	err := fromEnv.Load(env.Provider("", env.Opt{
		Prefix:      EnvPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(k, v string) (string, any) {
			return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(k, EnvPrefix)), "_", "-"), v
		},
	}), nil)
	if err != nil {
		return fmt.Errorf("cannot read settings from the environment: %w", err)
	}
	onCommandLine := map[string]bool{}
	fs.VisitAll(func(f *pflag.Flag) { onCommandLine[f.Name] = f.Changed })
	var errs []error
	for _, from := range []struct {
		name string
		k    *koanf.Koanf
	}{{path, fromFile}, {"the environment", fromEnv}} {
		keys := from.k.Keys()
		slices.Sort(keys)
		for _, key := range keys {
			f := fs.Lookup(key)
			switch {
			case f == nil:
				errs = append(errs, fmt.Errorf("%s: there is no setting %q", from.name, key))
			case onCommandLine[key]:
			default:
				if err := set(f, from.k.Get(key)); err != nil {
					errs = append(errs, fmt.Errorf("%s: %s: %w", from.name, key, err))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// set gives a flag a value out of a file or the environment.
func set(f *pflag.Flag, v any) error {
	list, isList := f.Value.(pflag.SliceValue)
	switch v := v.(type) {
	case nil:
		return errors.New("got nothing, want a value")
	case []any:
		if !isList {
			return fmt.Errorf("got a list, want one %s", f.Value.Type())
		}
		var all []string
		for _, x := range v {
			all = append(all, fmt.Sprint(x))
		}
		return list.Replace(all)
	case string:
		if isList {
			return list.Replace(strings.Fields(v))
		}
		return f.Value.Set(v)
	default:
		if isList {
			return list.Replace([]string{fmt.Sprint(v)})
		}
		return f.Value.Set(fmt.Sprint(v))
	}
}

// urls marks a setting that is a comma-separated list of URLs, in which there may be
// passwords, for [Dump]. Secrets that are no part of a URL are in files, never in settings.
const urls = "urls"

// maskURLs marks the settings as [urls].
func maskURLs(fs *pflag.FlagSet, names ...string) {
	for _, name := range names {
		if err := fs.SetAnnotation(name, urls, []string{}); err != nil {
			panic("BUG: " + err.Error())
		}
	}
}

// user marks a setting in which a user and a password may have been put before an @,
// where they do not belong, for [Dump].
const user = "user"

// maskUser marks the setting as [user].
func maskUser(fs *pflag.FlagSet, name string) {
	if err := fs.SetAnnotation(name, user, []string{}); err != nil {
		panic("BUG: " + err.Error())
	}
}

// Dump returns all settings as the YAML that Load reads, secrets masked.
func Dump(fs *pflag.FlagSet) ([]byte, error) {
	var out strings.Builder
	p := yaml.Parser()
	var err error
	fs.VisitAll(func(f *pflag.Flag) {
		var v any = f.Value.String()
		if list, ok := f.Value.(pflag.SliceValue); ok {
			v = list.GetSlice()
		}
		switch f.Value.Type() {
		case "int":
			v, _ = fs.GetInt(f.Name)
		case "int64":
			v, _ = fs.GetInt64(f.Name)
		case "uint":
			v, _ = fs.GetUint(f.Name)
		case "bool":
			v, _ = fs.GetBool(f.Name)
		}
		if f.Annotations[urls] != nil {
			if list, ok := f.Value.(pflag.SliceValue); ok {
				masked := []string{}
				for _, u := range list.GetSlice() {
					masked = append(masked, mask(u))
				}
				v = masked
			} else {
				v = mask(f.Value.String())
			}
		}
		if f.Annotations[user] != nil {
			v = export.Redacted(f.Value.String())
		}
		line, failed := p.Marshal(map[string]any{f.Name: v})
		err = errors.Join(err, failed)
		out.Write(line)
	})
	return []byte(out.String()), err
}
