package gnmi

import (
	"errors"
	"slices"

	"github.com/openconfig/gnmi/proto/gnmi"
	"github.com/openconfig/gnmi/proto/gnmi_ext"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// maxElems and maxDeep, of elements and of those named "...", bound what matching a
// path can cost.
const (
	maxElems = 32
	maxDeep  = 4
)

// query joins a prefix and a path of a request. The error is a status.
func (s *Server) query(prefix, path *gnmi.Path) (tree.Path, error) {
	q := tree.Path{Target: prefix.GetTarget(), Origin: prefix.GetOrigin()}
	switch o := path.GetOrigin(); {
	case o != "" && q.Origin != "":
		return q, status.Errorf(codes.InvalidArgument, "origin is in the prefix (%q) and in the path (%q), want it in one", q.Origin, o)
	case o != "" && len(prefix.GetElem()) > 0:
		return q, status.Errorf(codes.InvalidArgument, "origin %q is in the path and elements are in the prefix, want the origin in the prefix", o)
	case o != "":
		q.Origin = o
	}
	if path.GetTarget() != "" {
		return q, status.Errorf(codes.InvalidArgument, "target %q is in the path, want it in the prefix", path.GetTarget())
	}
	if q.Target == "" {
		q.Target = s.cfg.Target
	}
	if q.Origin == "" {
		q.Origin = "openconfig"
	}
	if onlyOld(prefix) || onlyOld(path) {
		return q, status.Error(codes.InvalidArgument, "path in the deprecated field element, want elem")
	}
	for _, e := range slices.Concat(prefix.GetElem(), path.GetElem()) {
		if e.GetName() == "" {
			return q, status.Error(codes.InvalidArgument, "path with an element without a name")
		}
		pairs := make([]string, 0, 2*len(e.GetKey()))
		for k, v := range e.GetKey() {
			if k == "" {
				return q, status.Errorf(codes.InvalidArgument, "path with a key without a name in element %q", e.GetName())
			}
			pairs = append(pairs, k, v)
		}
		if e.GetName() == tree.Deep && len(pairs) > 0 {
			return q, status.Error(codes.InvalidArgument, `path with keys on the element "..."`)
		}
		q.Elems = append(q.Elems, tree.E(e.GetName(), pairs...))
	}
	if len(q.Elems) > maxElems {
		return q, status.Errorf(codes.InvalidArgument, "path of %d elements, want at most %d", len(q.Elems), maxElems)
	}
	deep := 0
	for _, e := range q.Elems {
		if e.Name == tree.Deep {
			deep++
		}
	}
	if deep > maxDeep {
		return q, status.Errorf(codes.InvalidArgument, `path with %d elements "...", want at most %d`, deep, maxDeep)
	}
	switch err := s.tree.Schema().Check(q); {
	case errors.Is(err, tree.ErrKey):
		return q, status.Error(codes.InvalidArgument, err.Error())
	case err != nil:
		return q, status.Error(codes.Unimplemented, err.Error())
	}
	return q, nil
}

// onlyOld reports whether a path has the form of versions before 0.4 alone. gnmi_cli
// sends both, and then the new one counts.
func onlyOld(p *gnmi.Path) bool {
	//lint:ignore SA1019 a client of the old form must be told
	return len(p.GetElement()) > 0 && len(p.GetElem()) == 0
}

// slot returns an encoding's place in encodings.
func slot(e gnmi.Encoding) (int, error) {
	i := slices.Index(encodings[:], e)
	if i < 0 {
		return 0, status.Errorf(codes.Unimplemented, "encoding %v is not supported, want one of %v", e, encodings)
	}
	return i, nil
}

// models refuses what would restrict an answer in a way that the server does not know.
func (s *Server) models(use []*gnmi.ModelData) error {
	for _, m := range use {
		known := slices.ContainsFunc(s.cfg.Models, func(k *gnmi.ModelData) bool {
			return k.GetName() == m.GetName() && (m.GetVersion() == "" || k.GetVersion() == m.GetVersion())
		})
		if !known {
			return status.Errorf(codes.InvalidArgument, "use_models: model %q version %q is not supported", m.GetName(), m.GetVersion())
		}
	}
	if len(use) > 0 && len(use) < len(s.cfg.Models) {
		return status.Error(codes.Unimplemented, "use_models: a choice among the supported models is not supported, select paths instead")
	}
	return nil
}

// extensions refuses those that would change the meaning of a request.
func extensions(all []*gnmi_ext.Extension) error {
	for _, e := range all {
		switch e.GetExt().(type) {
		case *gnmi_ext.Extension_History:
			return status.Error(codes.Unimplemented, "extension history is not supported")
		case *gnmi_ext.Extension_Depth:
			return status.Error(codes.Unimplemented, "extension depth is not supported")
		}
	}
	return nil
}
