//go:build !linux

package port

import "errors"

func openInterface(string) (Driver, error) {
	return nil, errors.New("network interfaces are reached by AF_PACKET, which only Linux has")
}
