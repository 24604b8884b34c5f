package gnmi

import (
	"fmt"
	"os"
	"strings"
)

// LoadUsers reads users and their passwords from a file, a line "name:password" each;
// empty lines and those that begin with # are skipped. Errors do not tell passwords.
func LoadUsers(path string) (map[string]Secret, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read gNMI users: %w", err)
	}
	users := map[string]Secret{}
	for i, line := range strings.Split(string(b), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		name, password, ok := strings.Cut(line, ":")
		if !ok || name == "" || password == "" {
			return nil, fmt.Errorf("cannot read gNMI users: %s, line %d: want name:password", path, i+1)
		}
		if _, twice := users[name]; twice {
			return nil, fmt.Errorf("cannot read gNMI users: %s, line %d: user %q is there already", path, i+1, name)
		}
		users[name] = Secret(password)
	}
	if len(users) == 0 {
		return nil, fmt.Errorf("cannot read gNMI users: there are none in %s", path)
	}
	return users, nil
}
