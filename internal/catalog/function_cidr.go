package catalog

import (
	"fmt"
	"math/big"
	"net"
	"regexp"

	"github.com/apparentlymart/go-cidr/cidr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/gocty"
)

// Terraform's functions over CIDR prefixes. The standard library has none. They use the same
// library of address arithmetic as Terraform does, and only the checks around it are repeated
// here. Numbers of hosts and subnets are big integers, because an IPv6 prefix has more of them
// than an int64 can count.

// maxNewBits is how far Terraform lets one call extend a prefix.
const maxNewBits = 32

// leadingZeros matches leading zeros in an address: Terraform reads 010.0.0.0/08 as 10.0.0.0/8,
// and Go rejects it.
var leadingZeros = regexp.MustCompile(`(^|[.:/])0+([0-9]+)`)

// parsePrefix returns the network of a prefix: the host part of 10.0.0.7/8 is cleared.
func parsePrefix(v cty.Value) (*net.IPNet, error) {
	text := v.AsString()
	_, prefix, err := net.ParseCIDR(leadingZeros.ReplaceAllString(text, "$1$2"))
	if err != nil {
		return nil, function.NewArgErrorf(0, "invalid CIDR address: %s", text)
	}
	return prefix, nil
}

// wholeNumber rejects fractions. The error names the argument at index arg, counted from zero.
func wholeNumber(arg int, v cty.Value) (*big.Int, error) {
	number := new(big.Int)
	if err := gocty.FromCtyValue(v, &number); err != nil {
		return nil, function.NewArgError(arg, err)
	}
	return number, nil
}

// smallNumber also rejects what an int cannot hold, for counts of bits.
func smallNumber(arg int, v cty.Value) (int, error) {
	var number int
	if err := gocty.FromCtyValue(v, &number); err != nil {
		return 0, function.NewArgError(arg, err)
	}
	return number, nil
}

var cidrHostFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "prefix", Type: cty.String}, {Name: "hostnum", Type: cty.Number}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		prefix, err := parsePrefix(args[0])
		if err != nil {
			return cty.NilVal, err
		}
		number, err := wholeNumber(1, args[1])
		if err != nil {
			return cty.NilVal, err
		}
		addr, err := cidr.HostBig(prefix, number)
		return cty.StringVal(addr.String()), err
	},
})

var cidrNetmaskFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "prefix", Type: cty.String}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		prefix, err := parsePrefix(args[0])
		if err != nil {
			return cty.NilVal, err
		}
		// A netmask is notation of IPv4; Terraform refuses to invent one for IPv6.
		if prefix.IP.To4() == nil {
			return cty.NilVal, function.NewArgErrorf(0, "IPv6 addresses cannot have a netmask: %s", args[0].AsString())
		}
		return cty.StringVal(net.IP(prefix.Mask).String()), nil
	},
})

var cidrSubnetFunc = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "prefix", Type: cty.String}, {Name: "newbits", Type: cty.Number}, {Name: "netnum", Type: cty.Number},
	},
	Type: function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		prefix, err := parsePrefix(args[0])
		if err != nil {
			return cty.NilVal, err
		}
		bits, err := smallNumber(1, args[1])
		if err != nil {
			return cty.NilVal, err
		}
		number, err := wholeNumber(2, args[2])
		if err != nil {
			return cty.NilVal, err
		}
		subnet, err := cidr.SubnetBig(prefix, bits, number)
		if err != nil {
			return cty.NilVal, err
		}
		return cty.StringVal(subnet.String()), nil
	},
})

var cidrSubnetsFunc = function.New(&function.Spec{
	Params:   []function.Parameter{{Name: "prefix", Type: cty.String}},
	VarParam: &function.Parameter{Name: "newbits", Type: cty.Number},
	Type:     function.StaticReturnType(cty.List(cty.String)),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		prefix, err := parsePrefix(args[0])
		if err != nil {
			return cty.NilVal, err
		}
		if len(args) == 1 {
			return cty.ListValEmpty(cty.String), nil
		}
		start, size := prefix.Mask.Size()
		var current *net.IPNet
		subnets := make([]cty.Value, 0, len(args)-1)
		for i, arg := range args[1:] {
			bits, err := newBits(i+1, arg, start, size)
			if err != nil {
				return cty.NilVal, err
			}
			if current == nil {
				// NextSubnet returns what follows a subnet. To get the first one inside the
				// prefix, start from the one just before it.
				current, _ = cidr.PreviousSubnet(prefix, bits)
			}
			next, full := cidr.NextSubnet(current, bits)
			if full || !prefix.Contains(next.IP) {
				return cty.NilVal, function.NewArgErrorf(i+1, "not enough remaining address space for a subnet with a prefix "+
					"of %d bits after %s", bits, current)
			}
			current = next
			subnets = append(subnets, cty.StringVal(current.String()))
		}
		return cty.ListVal(subnets), nil
	},
})

// newBits returns the length of an extended prefix.
func newBits(arg int, v cty.Value, start, size int) (int, error) {
	bits, err := smallNumber(arg, v)
	switch {
	case err != nil:
		return 0, err
	case bits < 1 || bits > maxNewBits:
		return 0, function.NewArgError(arg, fmt.Errorf("must extend the prefix by 1 to %d bits", maxNewBits))
	case start+bits > size:
		return 0, function.NewArgErrorf(arg, "would extend prefix to %d bits, which is too long", start+bits)
	}
	return start + bits, nil
}
