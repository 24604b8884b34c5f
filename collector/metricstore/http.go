package metricstore

import (
	"net/http"
	"strings"

	"github.com/VictoriaMetrics/VictoriaMetrics/app/vmselect"
)

// reads are the paths that are served, all of them by reading only. Others that
// VictoriaMetrics has handlers for are not.
var reads = map[string]bool{
	"/api/v1/query": true, "/api/v1/query_range": true, "/api/v1/series": true, "/api/v1/labels": true, "/api/v1/metadata": true,
	"/api/v1/query_exemplars": true, "/api/v1/rules": true, "/api/v1/alerts": true,
	"/api/v1/status/buildinfo": true, "/api/v1/status/tsdb": true, "/api/v1/status/top_queries": true, "/api/v1/status/active_queries": true,
	"/prettify-query": true, "/expand-with-exprs": true,
}

// MaxBody is the length of a query that is read.
const MaxBody = 1 << 20

// Handler serves the querying API of Prometheus below /api/v1/ and vmui below /vmui/.
func (s *Store) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !served(r.URL.Path) {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD, POST")
			http.Error(w, "the metrics store is read only", http.StatusMethodNotAllowed)
			return
		}
		s.open.RLock()
		defer s.open.RUnlock()
		if s.gone {
			http.Error(w, "the metrics store is closed", http.StatusServiceUnavailable)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		if !vmselect.RequestHandler(w, r) {
			http.NotFound(w, r)
		}
	})
}

// served reports whether a path is one that reads.
func served(path string) bool {
	if strings.Contains(path, "//") || strings.Contains(path, "/../") {
		return false
	}
	if name, ok := strings.CutPrefix(path, "/api/v1/label/"); ok {
		name, ok := strings.CutSuffix(name, "/values")
		return ok && name != "" && !strings.Contains(name, "/")
	}
	return reads[path] || path == "/vmui" || strings.HasPrefix(path, "/vmui/")
}
