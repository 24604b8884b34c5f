package gnmi

import (
	"context"
	"slices"

	"github.com/openconfig/gnmi/proto/gnmi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// Get returns what there is now: a Notification for every path and every target that
// has something of it. A path without data is NOT_FOUND; one that has data, but none
// of the type asked for, has a Notification without updates.
func (s *Server) Get(_ context.Context, req *gnmi.GetRequest) (*gnmi.GetResponse, error) {
	encoding, err := slot(req.GetEncoding())
	if err != nil {
		return nil, err
	}
	if err := s.models(req.GetUseModels()); err != nil {
		return nil, err
	}
	if err := extensions(req.GetExtension()); err != nil {
		return nil, err
	}
	if _, ok := gnmi.GetRequest_DataType_name[int32(req.GetType())]; !ok {
		return nil, status.Errorf(codes.InvalidArgument, "data type %d is none", req.GetType())
	}
	paths := req.GetPath()
	if len(paths) == 0 {
		if len(req.GetPrefix().GetElem()) == 0 {
			return nil, status.Error(codes.InvalidArgument, "no path")
		}
		paths = []*gnmi.Path{{}}
	}
	if len(paths) > s.cfg.MaxPaths {
		return nil, status.Errorf(codes.InvalidArgument, "%d paths, want at most %d", len(paths), s.cfg.MaxPaths)
	}
	resp := &gnmi.GetResponse{}
	for _, p := range paths {
		q, err := s.query(req.GetPrefix(), p)
		if err != nil {
			return nil, err
		}
		states := s.tree.Select(q)
		if len(states) == 0 {
			return nil, status.Errorf(codes.NotFound, "no data at %s", q)
		}
		for len(states) > 0 {
			target := states[0].Unit.Path.Target
			n := 1
			for n < len(states) && states[n].Unit.Path.Target == target {
				n++
			}
			resp.Notification = append(resp.Notification, s.notification(req, q, states[:n], encoding))
			states = states[n:]
		}
	}
	return resp, nil
}

// notification answers one path for one target.
func (s *Server) notification(req *gnmi.GetRequest, q tree.Path, states []*tree.State, encoding int) *gnmi.Notification {
	n := &gnmi.Notification{Prefix: &gnmi.Path{Origin: q.Origin}}
	if req.GetPrefix().GetTarget() != "" {
		n.Prefix.Target = states[0].Unit.Path.Target
	}
	base := 0
	if len(states) == 1 && states[0].Unit.Atomic && encodings[encoding] == gnmi.Encoding_PROTO {
		u := states[0].Unit
		n.Atomic, base = true, len(u.Path.Elems)
		n.Prefix.Elem = elems(u.Path.Elems)
	}
	var leaves []leaf
	for _, state := range states {
		n.Timestamp = max(n.Timestamp, state.Time)
		for i := range state.Leaves {
			l := leaf{slices.Concat(state.Unit.Path.Elems, state.Leaves[i].Path), &state.Leaves[i].Value}
			if _, ok := tree.Match(q.Elems, l.path); ok && s.ofType(req.GetType(), state.Unit.Path, l.path) {
				leaves = append(leaves, l)
			}
		}
	}
	if encodings[encoding] == gnmi.Encoding_PROTO {
		for _, l := range leaves {
			n.Update = append(n.Update, &gnmi.Update{Path: &gnmi.Path{Elem: elems(l.path[base:])}, Val: typed(l.value, encoding)})
		}
		return n
	}
	slices.SortStableFunc(leaves, func(a, b leaf) int { return compareElems(a.path, b.path) })
	ietf := encodings[encoding] == gnmi.Encoding_JSON_IETF
	for len(leaves) > 0 {
		depth, _ := tree.Match(q.Elems, leaves[0].path)
		root := leaves[0].path[:depth]
		k := 1
		for k < len(leaves) && len(leaves[k].path) >= depth && compareElems(leaves[k].path[:depth], root) == 0 {
			k++
		}
		v := object(s.tree.Schema(), q.Origin, leaves[:k], depth, depth, ietf)
		val := &gnmi.TypedValue{Value: &gnmi.TypedValue_JsonVal{JsonVal: v}}
		if ietf {
			val = &gnmi.TypedValue{Value: &gnmi.TypedValue_JsonIetfVal{JsonIetfVal: v}}
		}
		n.Update = append(n.Update, &gnmi.Update{Path: &gnmi.Path{Elem: elems(root)}, Val: val})
		leaves = leaves[k:]
	}
	return n
}

// ofType reports whether a leaf is of the type of data asked for. By OpenConfig's
// convention, which the own module follows, configuration is in containers named
// config.
func (s *Server) ofType(t gnmi.GetRequest_DataType, p tree.Path, path []tree.Elem) bool {
	at := slices.IndexFunc(path, func(e tree.Elem) bool { return e.Name == "config" })
	switch t {
	case gnmi.GetRequest_CONFIG:
		return at >= 0
	case gnmi.GetRequest_STATE:
		return at < 0
	case gnmi.GetRequest_OPERATIONAL:
		if at >= 0 {
			return false
		}
		for i := range path {
			if path[i].Name == "state" {
				applied := slices.Clone(path)
				applied[i] = tree.E("config")
				return len(s.tree.Select(tree.Path{Target: p.Target, Origin: p.Origin, Elems: applied})) == 0
			}
		}
	}
	return true
}
