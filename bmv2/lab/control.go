package lab

import (
	"errors"
	"fmt"
	"net"

	"github.com/telltale-net/telltale/topology"
)

// Listen opens the listener of a switch's P4Runtime server.
type Listen func(topology.Node) (net.Listener, error)

// loopback listens where the node says, or on a free port of the loopback.
func loopback(n topology.Node) (net.Listener, error) {
	address := n.P4RT
	if address == "" {
		address = "127.0.0.1:0"
	}
	return net.Listen("tcp", address)
}

// server is a switch's P4Runtime server.
type server struct {
	node     *node
	listener net.Listener
}

// P4RTAddr returns host:port of the switch's P4Runtime server.
func (l *Lab) P4RTAddr(node string) (string, error) {
	n, err := l.switchNode(node)
	if err != nil {
		return "", fmt.Errorf("no P4Runtime server: %w", err)
	}
	return l.servers[n.ref].listener.Addr().String(), nil
}

// serve starts the servers.
func (l *Lab) serve() error {
	l.servers = make([]*server, len(l.nodes))
	listen := l.cfg.Listen
	if listen == nil {
		listen = loopback
	}
	for _, n := range l.nodes {
		if n.Role == topology.Collector {
			continue
		}
		lis, err := listen(n.Node)
		if err != nil {
			return fmt.Errorf("cannot listen for switch %q: %w", n.Name, err)
		}
		l.servers[n.ref] = &server{node: n, listener: lis}
	}
	return nil
}

func (l *Lab) shutdown() error {
	var err error
	for _, s := range l.servers {
		if s != nil {
			err = errors.Join(err, s.listener.Close())
		}
	}
	return err
}
