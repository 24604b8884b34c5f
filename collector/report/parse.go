package report

import "errors"

// Parse is the easy way: it reads a whole datagram at once, and allocates. It
// returns the reports that could be read beside the errors of those that could not,
// joined. A [Decoder] does the same without allocating.
func Parse(datagram []byte, domains ...Domain) (Group, []Report, error) {
	d := Decoder{Domains: domains}
	g, err := d.Reset(datagram)
	if err != nil {
		return g, nil, err
	}
	var reports []Report
	var errs []error
	var r Report
	for ok, err := d.Next(&r); ok || err != nil; ok, err = d.Next(&r) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		reports = append(reports, r)
	}
	return g, reports, errors.Join(errs...)
}
