# Prints the names of Unicode's scripts with their aliases and of its blocks as JSON, for make_properties.py.
# usage: perl make_property_names.pl > names.json      Scripts of Unicode 15 to 16 are added, since Perl may have an older version.
use strict; use warnings; use Unicode::UCD qw(prop_values prop_value_aliases);
my @new = ("Kawi", "Nag_Mundari", "Garay", "Gurung_Khema", "Kirat_Rai", "Ol_Onal", "Sunuwar", "Todhri", "Tulu_Tigalari");
my %seen;
my @scripts = grep { defined $_->[0] && !$seen{$_->[0]}++ } (map { [reverse prop_value_aliases("Script", $_)] } sort(prop_values("Script"))), (map { [$_] } @new);
my @blocks = map { my @names = prop_value_aliases("Block", $_); "In_$names[-1]" } sort(grep { defined } prop_values("Block"));
print '{"scripts": [', join(",", map { "[" . join(",", map { "\"$_\"" } @$_) . "]" } @scripts), '], "blocks": [', join(",", map { "\"$_\"" } @blocks), "]}\n";
