"""Small templates, construct by construct, for make_cases.py: each is rendered with VARIABLES."""
VARIABLES = {
    "name": "World", "empty": "", "text": "  two words\n", "n": 7, "negative": -3, "real": 2.5, "big": 1e20, "small": 0.00001, "yes": True, "no": False, "nothing": None,
    "list": [3, 1, 2], "words": ["b", "A", "c", "a"], "nested": [[1, 2], [3, 4]], "mixed": [1, "a", None, True, 2.0, [1], {"k": "v"}],
    "dict": {"b": 1, "a": "x", "C": [1, 2]}, "users": [{"name": "Ann", "age": 31, "city": {"zip": "1"}}, {"name": "bob", "age": 25}, {"name": "Cyd", "age": 31, "city": {"zip": "0"}}],
    "unicode": "é 日本 😀 ẞß ǆ İ Σας ﬁ", "html": "<b>'x' & \"y\"</b>", "lines": "a\n\n b\r\nc\u2028d\n", "items_key": {"items": 1, "keys": 2},
    "tree": [{"v": 1, "c": [{"v": 2, "c": []}, {"v": 3, "c": [{"v": 4, "c": []}]}]}],
}
TEXT = r"""
{{ name }}|{{ missing }}|{{ nothing }}|{{ yes }}|{{ no }}|{{ n }}|{{ real }}|{{ big }}|{{ small }}
{{ 'a' 'b' "c" }}|{{ "q\"'\\ \n\t\x41\u00e9\U0001F600\101\q" }}|{{ '\é' }}
{{ 1 }}{{ 0x1F }}{{ 0b11 }}{{ 0o17 }}{{ 1_000 }}{{ 1.5e3 }}{{ 2e-7 }}{{ 1_0.5 }}
{{ 1.0 }} {{ 100000000000000000.0 }} {{ 1e15 }} {{ 1e16 }} {{ 0.0001 }} {{ 0.00001 }} {{ 1e300 * 10 }} {{ -0.0 }} {{ 123456789.123 }} {{ 5e-324 }} {{ 0.1 + 0.2 }}
{{ [1, 'a', none, true, 1.5, [], (), (1,), {'a': 1, 2: 'b'}] }}
{{ ["it's", 'say "x"', 'both \' "', '\n\t\\', 'é', '\x00\x7f', '\u200b', '😀'] }}
{{ {} }}{{ [] }}{{ () }}{{ (1, 2) }}{{ 1, 2 }}
{{ 1 + 2 * 3 - 4 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 2 ** 3 ** 2 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 7 / 2 }} {{ 4 / 2 }}
{{ 'a' + 'b' }} {{ 'ab' * 3 }} {{ 3 * 'ab' }} {{ [1] + [2] }} {{ [1, 2] * 2 }} {{ (1,) + (2,) }} {{ true + true }} {{ 'ab' * -1 }}|
{{ -n }} {{ +n }} {{ - - n }} {{ -n|abs }} {{ n - -1 }} {{ -2 ** 2 }} {{ -yes }}
{{ 'a' ~ 1 ~ none ~ true ~ missing ~ [1] }} {{ 1 ~ 2 + 3 }}
{{ 1 ~ 2 }}{{ n ~ '' }} {{ 'x' ~ (1 + 2) }}
{{ 1 < 2 }} {{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ 1 == 1.0 }} {{ 1 == true }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ 'a' == 'a' != 'b' }} {{ '\uffff' < '😀' }} {{ none == none }} {{ missing == missing2 }} {{ none == false }} {{ '1' == 1 }}
{{ 2 in list }} {{ 9 not in list }} {{ 'or' in name }} {{ 'a' in dict }} {{ 'z' in missing }} {{ 1 in (1, 2) }} {{ not 1 in [1] }} {{ '' in 'a' }} {{ 3 in range(4) }}
{{ yes and 'x' }} {{ no and 'x' }} {{ '' or 'y' }} {{ 0 or none }} {{ not yes }} {{ not not 1 }} {{ yes and no or 1 }} {{ not missing }}
{{ 'a' if yes else 'b' }} {{ 'a' if no else 'b' }} {{ 'a' if no }}| {{ 1 if no else 2 if no else 3 }} {{ ('a' if no) is defined }}
{{ list[0] }} {{ list[-1] }} {{ list[9] }}| {{ list[1:] }} {{ list[:-1] }} {{ list[::-1] }} {{ list[::2] }} {{ list[5:1] }} {{ list[-2:] }} {{ (1, 2, 3)[1:] }} {{ list[none:2] }}
{{ name[0] }} {{ name[-1] }} {{ name[1:3] }} {{ name[::-1] }} {{ name[99] }}| {{ unicode[2:5] }} {{ unicode[5] }} {{ unicode[::-1] }} {{ unicode|length }}
{{ dict.a }} {{ dict['a'] }} {{ dict.zz }}| {{ dict['zz'] }}| {{ dict.C[1] }} {{ dict.C.1 }} {{ users[0].name }} {{ users.0.city.zip }} {{ nested[1][0] }} {{ nested.1.0 }}
{{ none.a }}| {{ 5 .a }}| {{ name.foo }}| {{ list.foo }}| {{ name['foo'] }}| {{ list['x'] }}|
{{ missing.a }}
{{ missing['a'] }}
{{ dict.zz.y }}
{{ users[0].city.zip }} {{ users[1].city.zip }}
{{ missing() }}
{{ name() }}
{{ missing + 1 }}
{{ 1 + 'a' }}
{{ 'a' + 1 }}
{{ 1 / 0 }}
{{ 1 < 'a' }}
{{ 1 in 5 }}
{{ 1 in 'a1' }}
{{ [] in dict }}
{{ -'a' }}
{{ items_key.items is callable }}
{{ items_key['items'] }} {{ items_key.get('keys') }}
{% if yes %}A{% endif %}{% if no %}B{% elif n == 7 %}C{% else %}D{% endif %}{% if no %}{% else %}E{% endif %}{% if '' %}F{% endif %}{% if [] %}G{% endif %}{% if missing %}H{% endif %}
{% for x in list %}{{ x }}{% endfor %}|{% for x in [] %}{{ x }}{% else %}none{% endfor %}|{% for k in dict %}{{ k }}{% endfor %}|{% for c in 'aé😀' %}[{{ c }}]{% endfor %}|{% for x in missing %}x{% else %}e{% endfor %}
{% for x in list %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}
{% for x in list if x > 1 %}{{ loop.index }}/{{ loop.length }}:{{ x }} {% else %}none{% endfor %}{% for x in list if x > 9 %}{{ x }}{% else %}none{% endfor %}
{% for k, v in dict.items() %}{{ k }}={{ v }};{% endfor %}{% for k, v in dict|items %}{{ k }};{% endfor %}{% for (a, b) in nested %}{{ a }}{{ b }}{% endfor %}{% for a, b in ['xy', 'zw'] %}{{ b }}{{ a }}{% endfor %}
{% for a, b in [1] %}{% endfor %}
{% for a, b in [[1, 2, 3]] %}{% endfor %}
{% for x in none %}{% endfor %}
{% for x in 5 %}{% endfor %}
{% for x in list %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}|{% for x in list %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}|{% for x in range(5) %}{% for y in range(5) %}{% if y > x %}{% break %}{% endif %}{{ y }}{% endfor %},{% endfor %}
{% for x in list %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x > 1) }}{% endfor %}
{% for x in tree recursive %}{{ x.v }}{{ loop.depth }}({{ loop(x.c) }}){% endfor %}
{% for x in list %}{{ loop(list) }}{% endfor %}
{% for x in nested %}{% for y in x %}{{ loop.index }}{{ y }}{% endfor %}{{ loop.index }}{% endfor %}{{ loop }}|{{ x }}
{% set x = 1 %}{% for y in list %}{{ x }}{% set x = y %}{{ x }}{% endfor %}{{ x }}{% if yes %}{% set x = 9 %}{% endif %}{{ x }}
{% set ns = namespace(x=1, y='a') %}{% for y in list %}{% set ns.x = ns.x + y %}{% endfor %}{{ ns.x }}{{ ns.y }}{{ ns.zz }}{{ ns['x'] }}{% set ns.new = [1] %}{{ ns.new }}
{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}{% set ns.a, c = 5, 6 %}{{ ns.a }}{{ c }}
{% set n.x = 1 %}
{% set missing.x = 1 %}
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (a, b) = (b, a) %}{{ a }}{{ b }}{% set t = 1, %}{{ t }}
{% set x %}text {{ n }}{% endset %}[{{ x }}]{% set y | upper | replace('T', '-') %}text{% endset %}{{ y }}{{ x is string }}
{% set x = 1 %}{% set f %}{% set x = 2 %}{{ x }}{% endset %}{{ x }}{{ f }}
{% with a = 1, b = n %}{{ a }}{{ b }}{% set a = 3 %}{{ a }}{% endwith %}{{ a }}|{% with %}{% set q = 1 %}{% endwith %}{{ q }}
{% macro f(a, b=2, c='x') %}[{{ a }},{{ b }},{{ c }}]{% endmacro %}{{ f(1) }}{{ f(1, 3) }}{{ f(1, c=9) }}{{ f(b=1, a=2) }}{{ f() }}{{ f.name }}{{ f.arguments }}
{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}
{% macro f(a) %}{{ a }}{% endmacro %}{{ f(b=2) }}
{% macro f(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, 3, x=4) }}{{ f() }}
{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}{{ f(3) ~ '!' }}
{% set x = 1 %}{% macro f() %}{{ x }}{% set x = 5 %}{{ x }}{% endmacro %}{{ f() }}{% set x = 2 %}{{ f() }}{{ x }}
{% macro f(a, b=a) %}{{ b }}{% endmacro %}{{ f(3) }}{% macro g(a=[]) %}{{ a }}{% endmacro %}{{ g() }}
{% macro f(x) %}<{{ caller(x) }}>{% endmacro %}{% call(y) f(3) %}y={{ y }}{% endcall %}{% macro g() %}({{ caller() }}){% endmacro %}{% call g() %}body{% endcall %}
{% macro f() %}x{% endmacro %}{% call f() %}y{% endcall %}
{% filter upper %}abc {{ name }}{% endfilter %}{% filter replace('a', 'b') | upper %}aaa{% endfilter %}
{% print n, name %}{% raw %}{{ x }} {% if %}{% endraw %}{%- raw -%} {{ y }} {%- endraw -%} z
{% generation %}answer {{ n }}{% endgeneration %}|{% for x in list %}{% generation %}{{ x }}{% set q = x %}{% endgeneration %}{{ q }}{% endfor %}
a {# comment #} b {#- c -#} d {#
 lines #}
  {% if yes %}
  x
  {% endif %}
y
  {%+ if yes %}
x{% endif +%}
y
  {%- if yes -%}

  x  {{- name -}}  y
{%- endif %}   z
{{ 1 }}
  {{ 2 }}
	{% set a = 1 %}	b{% set a = 1 %}
c
{% for x in list -%}
  {{ x }}
{%- endfor %}

  {#- a -#}

  b
{% if yes %}

x
{% endif %}

{{ name.upper() }} {{ name.lower() }} {{ 'hello wORLD'.title() }} {{ 'hELLO wORLD'.capitalize() }} {{ 'aB'.swapcase() }} {{ unicode.upper() }} {{ unicode.lower() }} {{ unicode.title() }} {{ unicode.capitalize() }} {{ 'ΑΣ Σ'.lower() }}
[{{ text.strip() }}] [{{ text.lstrip() }}] [{{ text.rstrip() }}] [{{ 'xxaxx'.strip('x') }}] [{{ 'abcba'.strip('ab') }}] [{{ '\x1c\u2003a\x85'.strip() }}]
{{ 'a,b,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ ' a  b '.split() }} {{ ' a  b  c '.split(none, 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a b c '.rsplit(none, 1) }} {{ ''.split() }} {{ ''.split(',') }} {{ 'abc'.split('abc') }} {{ 'aXbXc'.split('X')[-1] }} {{ 'a b'.split(maxsplit=0) }}
{{ lines.splitlines() }} {{ lines.splitlines(true) }} {{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'abc'.partition('x') }} {{ 'abc'.rpartition('x') }}
{{ ', '.join(['a', 'b']) }} {{ ''.join([]) }} {{ '-'.join('abc') }} {{ '-'.join(dict) }}
{{ ','.join([1]) }}
{{ 'aaa'.replace('a', 'b') }} {{ 'aaa'.replace('a', 'b', 2) }} {{ 'abc'.replace('', '-') }} {{ 'abc'.replace('', '-', 2) }} {{ 'abab'.replace('ab', '') }}
{{ 'abc'.startswith('ab') }} {{ 'abc'.startswith(('x', 'a')) }} {{ 'abc'.endswith('bc') }} {{ 'abc'.startswith('b', 1) }} {{ 'abc'.endswith('b', 0, 2) }} {{ 'abc'.startswith('') }} {{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ 'abc'.removesuffix('') }}
{{ 'abcabc'.find('c') }} {{ 'abcabc'.rfind('c') }} {{ 'abc'.find('z') }} {{ 'abcabc'.index('b', 2) }} {{ 'abcabc'.find('a', 1, 3) }} {{ '😀a'.find('a') }} {{ 'aaa'.count('a') }} {{ 'aaaa'.count('aa') }} {{ 'ab'.count('') }} {{ ''.find('') }} {{ 'abc'.find('', 9) }}
{{ 'abc'.index('z') }}
[{{ 'ab'.center(6) }}] [{{ 'ab'.center(5, '*') }}] [{{ 'abc'.center(6, '-') }}] [{{ 'ab'.ljust(4) }}] [{{ 'ab'.rjust(4, '.') }}] {{ '-5'.zfill(4) }} {{ '5'.zfill(3) }} {{ 'ab'.zfill(1) }}
{{ '{} {}'.format(1, 'a') }} {{ '{1}{0}'.format(1, 2) }} {{ '{a}{{}}'.format(a=none) }} {{ '{:>5}|{:<5}|{:^5}|{:05d}|{:.2f}|{:,}'.format('a', 'b', 'c', 42, 3.14159, 1234567) }} {{ '{0.name}{0[age]}'.format(users[0]) }} {{ '{!r}'.format('a') }}
{{ '%s %d %05.1f %x %r %%' % ('a', 3, 2.25, 255, 'q') }} {{ '%s' % n }} {{ '%(a)s' % {'a': 1} }} {{ '%-5s|%5s|%+d' % ('a', 'b', 3) }} {{ '%.2f %.0f %.0f %.0f' % (2.675, 0.5, 1.5, 2.5) }}
{{ '%s %s' % 1 }}
{{ '%s' % (1, 2) }}
{{ '%d' % 'a' }}
{{ '%s and %s'|format('a', 1) }}
{{ 'abc'.isalpha() }} {{ 'a1'.isalnum() }} {{ '12'.isdigit() }} {{ '²'.isdigit() }} {{ '½'.isnumeric() }} {{ '٣'.isdecimal() }} {{ ' '.isspace() }} {{ ''.isspace() }} {{ 'aB'.islower() }} {{ 'ab1'.islower() }} {{ 'A B'.isupper() }} {{ 'Ab Cd'.istitle() }} {{ 'é'.isascii() }} {{ '日本'.isalpha() }}
{{ dict.keys() }} {{ dict.values() }} {{ dict.items() }} {{ dict.get('a') }} {{ dict.get('zz') }} {{ dict.get('zz', 5) }} {{ dict.keys()|list }} {{ dict.items()|list }} {{ dict.keys()|length }} {{ 'a' in dict.keys() }} {{ dict.copy() }}
{{ list.index(1) }} {{ list.count(1) }} {{ (1, 1).count(1) }} {{ [1, true, 1.0].count(1) }}
{{ list.append(4) }}
{{ dict.update({}) }}
{{ list.append is defined }}{{ dict.pop }}|
{{ list.index(99) }}
{{ name|upper }} {{ name|lower }} {{ 'hello world-foo (bar)'|title }} {{ 'ABC dEF'|capitalize }} {{ text|trim }}| {{ 'xax'|trim('x') }} {{ 5|string }} {{ none|upper }} {{ 5|trim }} {{ missing|upper }}|
{{ list|length }} {{ name|count }} {{ dict|length }} {{ missing|length }} {{ range(3)|length }}
{{ 5|length }}
{{ (list|map('string'))|length }}
{{ list|first }} {{ list|last }} {{ []|first }}| {{ []|last }}| {{ name|first }} {{ name|last }} {{ dict|first }} {{ unicode|last }}
{{ list|join }} {{ list|join(', ') }} {{ users|join('-', 'name') }} {{ users|join(attribute='age', d='+') }} {{ 'abc'|join('.') }} {{ mixed|join(' ') }} {{ []|join(',') }}
{{ list|sort }} {{ list|sort(reverse=true) }} {{ words|sort }} {{ words|sort(case_sensitive=true) }} {{ users|sort(attribute='name')|map(attribute='name')|list }} {{ users|sort(attribute='age,name')|map(attribute='name')|list }} {{ users|sort(true, attribute='age')|map(attribute='name')|list }} {{ nested|sort(attribute=1) }} {{ 'bca'|sort }} {{ dict|sort }}
{{ mixed|sort }}
{{ dict|dictsort }} {{ dict|dictsort(true) }} {{ {'a': 2, 'b': 1}|dictsort(false, 'value') }} {{ {'a': 2, 'b': 1}|dictsort(by='value', reverse=true) }}
{{ list|reverse|list }} {{ 'aé😀'|reverse }} {{ (1, 2)|reverse|list }} {{ dict|reverse|list }}
{{ [1, 2, 1, 3]|unique|list }} {{ words|unique|list }} {{ words|unique(true)|list }} {{ users|unique(attribute='age')|map(attribute='name')|list }} {{ [1, 1.0, true]|unique|list }}
{{ list|min }} {{ list|max }} {{ words|min }} {{ words|max }} {{ []|min }}| {{ users|max(attribute='age') }} {{ 'hello'|max }}
{{ list|sum }} {{ users|sum('age') }} {{ users|sum(attribute='age', start=10) }} {{ nested|sum(start=[]) }} {{ []|sum }} {{ [1, 2.5]|sum }}
{{ words|sum }}
{{ list|map('string')|list }} {{ users|map(attribute='name')|join(',') }} {{ users|map(attribute='city.zip')|list }}
{{ users|map(attribute='city', default='none')|list }} {{ words|map('upper')|list }} {{ words|map('replace', 'a', 'z')|join }} {{ users|map(attribute='zip', default=0)|list }} {{ nested|map('first')|list }} {{ nested|map(attribute=0)|list }}
{{ list|map('nope')|list }}
{{ list|map|list }}
{{ list|select('>', 1)|list }} {{ list|select('odd')|list }} {{ mixed|select|list }} {{ mixed|reject|list }} {{ mixed|select('string')|list }} {{ list|reject('equalto', 2)|list }} {{ words|select('in', ['a', 'b'])|list }} {{ users|selectattr('age', 'equalto', 31)|map(attribute='name')|list }} {{ users|selectattr('city')|list|length }} {{ users|rejectattr('city')|list|length }} {{ users|selectattr('city', 'defined')|map(attribute='name')|list }} {{ users|rejectattr('name', 'eq', 'bob')|list|length }} {{ users|selectattr('age', '>=', 30)|list|length }}
{{ list|select('nope')|list }}
{{ none|map('upper')|list }} {{ none|selectattr('a')|list }} {{ 0|reject|list }} {{ []|map|list }} {{ ''|select('nope')|list }}
{{ 5|select|list }}
{{ none|list }}
{{ missing|default('d') }} {{ none|default('d') }} {{ ''|default('d', true) }} {{ ''|d('d') }}| {{ none|default('d', boolean=true) }} {{ missing|default }}| {{ dict.zz|default([]) }}
{{ [1, 2, 3, 4, 5]|batch(2)|list }} {{ [1, 2, 3]|batch(2, 'x')|list }} {{ [1, 2, 3, 4, 5]|slice(2)|list }} {{ [1, 2, 3, 4, 5]|slice(3, 'x')|list }} {{ []|batch(2)|list }}
{% for g in users|groupby('age') %}{{ g.grouper }}:{{ g.list|length }}:{{ g[1]|map(attribute='name')|join('+') }} {% endfor %}{% for k, v in words|groupby(0) %}{{ k }}{{ v }}{% endfor %}
{{ 3.7|int }} {{ '42'|int }} {{ '42.9'|int }} {{ 'x'|int }} {{ 'x'|int(5) }} {{ '0x1f'|int(0, 16) }} {{ 'ff'|int(base=16) }} {{ none|int }} {{ true|int }} {{ '-7'|int }} {{ ' 7 '|int }} {{ '1_000'|int }} {{ -3.7|int }} {{ '1e3'|int }} {{ '٣'|int }}
{{ '1.5'|float }} {{ 'x'|float }} {{ 'x'|float(1.5) }} {{ 3|float }} {{ '1e3'|float }} {{ none|float }} {{ 'inf'|float }} {{ 'nan'|float }} {{ '-inf'|float }} {{ ' 2 '|float }}
{{ 2.5|round }} {{ 3.5|round }} {{ 2.675|round(2) }} {{ 2.5|round|int }} {{ 42.55|round(1) }} {{ 1.21|round(1, 'ceil') }} {{ 1.29|round(1, 'floor') }} {{ 7|round }} {{ 1234|round(-2) }} {{ 1250|round(-2) }} {{ -2.5|round }} {{ 0.125|round(2) }} {{ 1e16|round }} {{ 1234.5|round(-2) }}
{{ -3|abs }} {{ 3.5|abs }} {{ true|abs }}
{{ 'a'|abs }}
{{ 'aaa'|replace('a', 'b', 2) }} {{ 5|replace('5', 6) }} {{ 'abc'|replace('', '-') }} {{ none|replace('N', 'n') }}
{{ 'a\nb\n\nc'|indent }}| {{ 'a\nb'|indent(2, true) }}| {{ 'a\n\nb'|indent(2, blank=true) }}| {{ 'a\nb'|indent('> ', first=true) }}| {{ ''|indent }}| {{ 'a\n'|indent }}|
{{ 'hello big world'|truncate(9) }} {{ 'hello big world'|truncate(9, true) }} {{ 'hello big world'|truncate(9, leeway=0) }} {{ 'hello'|truncate(3, true, '', 0) }} {{ 'hello world'|truncate(5, false, '…', 0) }} {{ 'short'|truncate }}
{{ 'one two, three'|wordcount }} {{ '日本 é_1'|wordcount }} [{{ 'ab'|center(6) }}] {{ 'ab'|center(5) }}|
{{ html|e }} {{ html|escape|e }} {{ html|safe }} {{ ('<a>'|safe) + '<b>' }} {{ '<b>' + ('<a>'|safe) }} {{ ('<a>'|safe) ~ '<b>' }} {{ html|forceescape }} {{ 'a'|safe is escaped }} {{ 5|e }}
{{ 'a b/ü?&='|urlencode }} {{ {'a': 'b c', 'd': 1}|urlencode }} {{ [('x', '/')]|urlencode }}
{{ dict|tojson }} {{ mixed|tojson }} {{ html|tojson }} {{ unicode|tojson }} {{ unicode|tojson(ensure_ascii=true) }} {{ '\x00\x1f\x7f\b\f"\\/\u2028'|tojson }} {{ big|tojson }} {{ 1.0|tojson }} {{ (1, 2)|tojson }} {{ none|tojson }} {{ {1: 2, true: 3, none: 4, 1.5: 5}|tojson }} {{ 'nan'|float|tojson }}
{{ dict|tojson(indent=2) }} {{ []|tojson(indent=2) }} {{ {}|tojson(indent=4) }} {{ [[], {}, [1]]|tojson(indent=1) }} {{ dict|tojson(indent='\t') }} {{ dict|tojson(separators=(',', ':')) }} {{ dict|tojson(sort_keys=true) }} {{ [1]|tojson(indent=0) }} {{ users|tojson(indent=2, separators=(',', ' : ')) }}
{{ missing|tojson }}
{{ (list|map('string'))|tojson }}
{{ [missing]|tojson }}
{{ dict|items|list }} {{ missing|items|list }}
{{ list|items|list }}
{{ dict|attr('a') }}| {{ list|attr('index') is callable }} {{ users|map(attribute='name')|list }} {{ dict|list }} {{ 'ab'|list }} {{ missing|list }} {{ range(3)|list }}
{{ name|nope }}
{% if no %}{{ name|nope }}{% endif %}ok
{{ missing is defined }} {{ n is defined }} {{ missing is undefined }} {{ dict.a is defined }} {{ dict.zz is defined }} {{ none is defined }} {{ n is not defined }} {{ not missing is defined }}
{{ none is none }} {{ n is none }} {{ n is not none }} {{ yes is true }} {{ 1 is true }} {{ no is false }} {{ yes is boolean }} {{ 1 is boolean }} {{ 1 is integer }} {{ true is integer }} {{ 1.0 is float }} {{ 1 is number }} {{ true is number }} {{ 'a' is number }}
{{ 'a' is string }} {{ list is string }} {{ dict is mapping }} {{ list is mapping }} {{ list is sequence }} {{ 'a' is sequence }} {{ dict is sequence }} {{ 1 is sequence }} {{ missing is sequence }} {{ range(2) is sequence }} {{ dict.items() is sequence }} {{ (list|map('string')) is sequence }} {{ list is iterable }} {{ 1 is iterable }} {{ none is iterable }} {{ missing is iterable }} {{ (1,) is iterable }} {{ namespace() is iterable }}
{{ 3 is odd }} {{ 3 is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 'ab' is lower }} {{ 'AB' is upper }} {{ range is callable }} {{ n is callable }} {{ missing is callable }}
{{ 1 is eq 1 }} {{ 1 is equalto(2) }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 1 is ge 1 }} {{ 3 is greaterthan 2 }} {{ 1 is lessthan 0 }} {{ 1 is in [1] }} {{ 1 is not in [1] }} {{ 'upper' is filter }} {{ 'nope' is filter }} {{ 'odd' is test }} {{ none is sameas none }} {{ yes is sameas true }} {{ 1 is sameas true }} {{ 'a' is eq 'a' and 'b' }}
{{ n is nope }}
{{ range(3) }} {{ range(1, 4)|list }} {{ range(5, 0, -2)|list }} {{ range(0)|list }} {{ range(3)[1] }} {{ range(9)[-1] }} {{ range(3)[9] }}| {{ range(1, 10, 3)|list }}
{{ range(1000000)|list }}
{{ range(1, 2, 0) }}
{{ dict(a=1, b=2) }} {{ dict }} {{ namespace }}
{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.next() }}{{ c.reset() }}{{ c.current }}{% set j = joiner('-') %}{{ j() }}{{ j() }}{{ j() }}
{{ raise_exception('stop: ' ~ n) }}
{{ strftime_now('%Y-%m-%d %H:%M:%S %d %b %B %a %A %y %j %p %I %e %-d %-m %% %F %T %D %R %c %u %w %V %G %f') }}
{{ [1, 2][true] }} {{ {1: 'a'}[true] }} {{ {1: 'a'}[1.0] }} {{ {none: 'x'}[none] }} {{ {'a': 1, 'a': 2} }} {{ {1: 'a', true: 'b'} }} {{ {(1): 2} }}
{{ {[1]: 2} }}
{{ [1, 2,] }} {{ {'a': 1,} }} {{ (1, 2,) }} {{ f(1) if f is defined else 'no f' }} {{ range(3,)|list }} {{ range(*[1, 4])|list }} {{ dict(**{'a': 1}).a }}
{{ users[0]['name'] ~ users[0]["age"] }} {{ (users|first).name }} {{ users|map(attribute='name')|first|upper }} {{ 'a' ~ 'b'|upper }} {{ -1|abs }} {{ (-1)|abs }} {{ 'a b'.split(' ')|last }} {{ 'x' in ['x']|first }}
{{ [missing] }} {{ [missing]|join }} {{ [none, missing]|list }}
{{ loop }}|
{% if %}{% endif %}
{% for x in %}{% endfor %}
{% endif %}
{% if yes %}
{% for x in list %}{% endif %}
{% unknown %}
{{ }}
{{ 1 + }}
{{ (1 }}
{{ 1) }}
{{ [1, }}
{{ 'abc }}
{{ a b }}
{{ "a" | }}
{{ x. }}
{{ x[ ] }}
{% set 1 = 2 %}
{% set true = 2 %}
{% set x 2 %}
{% macro f %}{% endmacro %}
{% macro f(a=1, b) %}{% endmacro %}
{% break %}
{# open
{% raw %}
{{ open
{% open
{{ 1 is is }}
{{ 'a' is string is string }}
{{ f(a=1, 2) }}
{{ $ }}
{{ 1 ! 2 }}
{{ '\x4' }}
{% include 'x' %}
{{ 012 }}
{{ 1 if }}
{% else %}
{% call 1 %}{% endcall %}
{% filter %}{% endfilter %}
{{ 0|filesizeformat }} {{ 1|filesizeformat }} {{ 999|filesizeformat }} {{ 1000|filesizeformat }} {{ 13210|filesizeformat }} {{ 1024|filesizeformat(true) }} {{ 999999|filesizeformat }} {{ 1000000|filesizeformat }} {{ 5e12|filesizeformat(binary=true) }} {{ '123456789'|filesizeformat }} {{ 1e30|filesizeformat }} {{ real|filesizeformat }} {{ -3.7|filesizeformat }} {{ 0.5|filesizeformat }} {{ true|filesizeformat }} {{ 1250|filesizeformat }} {{ 1350|filesizeformat }} {{ 1450|filesizeformat }} {{ 123456789012345678|filesizeformat }}
{{ none|filesizeformat }}
{{ missing|filesizeformat }}
{{ 'a'|filesizeformat }}
{{ list|filesizeformat }}
<p{{ {'class': 'a b', 'id': none, 'x': missing, 'n': 1, 'q': '"<&>\''}|xmlattr }}>|{{ {}|xmlattr }}|{{ {'a': 1, 'b': true}|xmlattr(false) }}|{{ {'a': none}|xmlattr }}|{{ {'a': '<'|safe}|xmlattr }}
{{ {'a b': 1}|xmlattr }}
{{ {'a=': 1}|xmlattr }}
{{ {'a b': none}|xmlattr }}
{{ {1: 1}|xmlattr }}
{{ 5|xmlattr }}
{{ missing|xmlattr }}
{{ 18446744073709551615 }} {{ 9223372036854775807 + 1 }} {{ 10 ** 40 }} {{ (-7) ** 33 }} {{ -9223372036854775808 - 1 }} {{ 2 ** 64 // 3 }} {{ -(2 ** 70) // 7 }} {{ (2 ** 70) % -7 }} {{ 0xffffffffffffffffffff }}
{{ 2 ** 70 / 3 }} {{ (2 ** 200 + 1) / (2 ** 199) }} {{ 2 ** 64 * 1.5 }} {{ (10 ** 30)|float }} {{ 1e30|int }} {{ '123456789012345678901234567890'|int }} {{ 'ffffffffffffffffffff'|int(0, 16) }} {{ (10 ** 30 + 5)|round(-1) }} {{ (10 ** 25)|abs }}
{{ 2 ** 64 == 18446744073709551616 }} {{ 2 ** 64 == 2.0 ** 64 }} {{ 2 ** 64 + 1 == 2.0 ** 64 }} {{ 10 ** 400 < 1e308 * 10 }} {{ 10 ** 400 > 1e308 }} {{ {2 ** 64: 'x'}[2.0 ** 64] }} {{ 2 ** 64 in [1, 2 ** 64] }} {{ (2 ** 70)|string|length }}
{{ 2 ** 64 / 10 ** 400 }} {{ 10 ** 400 / 10 ** 399 }}
{{ 10 ** 400 / 7 }}
{{ 10 ** 400 * 1.0 }}
{{ [1, 2][2 ** 70] }}|{{ 'abc'[:2 ** 70] }}|{{ 'abc'[-(2 ** 70):] }}|{{ range(2 ** 70, 2 ** 70 + 3)|list }}|{{ (2 ** 70) is divisibleby(2) }} {{ (2 ** 70 + 1) is odd }} {{ (2 ** 70)|tojson }} {{ '%d %x' % (2 ** 70, 2 ** 70) }} {{ '{:,}'.format(2 ** 70) }} {{ 2 ** 70 if 2 ** 70 else 0 }}
{{ range(2 ** 70)|length }}
{{ 'a\x7fb ü'|tojson }} {{ 'a\x7fb ü'|tojson(ensure_ascii=true) }}
{{ x|nofilter }}
{% if false %}{{ x|nofilter }}{% endif %}a
{% if true %}{{ x|nofilter }}{% endif %}a
{{ 1 if true else x|nofilter }}
{{ (x|nofilter) if false else 2 }}
{% for i in [] %}{{ i|nofilter }}{% endfor %}
{% if false %}{% for i in [] %}{{ i|nofilter }}{% endfor %}{% endif %}a
{% if false %}{% set z %}{{ 1|nofilter }}{% endset %}{% endif %}a
{% if false %}{{ 1 is notest }}{% endif %}a
{{ 1 is notest }}
{% if x is notest and false %}{% endif %}
{% macro f() %}{{ 1|nofilter }}{% endmacro %}a
{{ yes and (1|nofilter) }}
{% if false %}a{% elif x|nofilter %}b{% else %}{{ x|nofilter }}{% endif %}
{% if false %}{% filter nofilter %}{% endfilter %}{% endif %}a
{{ 'nofilter' is filter }} {{ 'wordwrap' is filter }} {{ 'urlize' is filter }} {{ 'pprint' is filter }} {{ 'striptags' is filter }}
{% block a %}x{{ name }}{% endblock %}y{% block b %}z{% endblock b %}
{% set q = 1 %}{% block a %}{{ q }}{% set q = 2 %}{{ q }}{% endblock %}{{ q }}
{% for i in list %}{% block a %}[{{ i }}]{% endblock %}{% endfor %}
{% for i in list %}{% block a scoped %}[{{ i }}]{% endblock %}{% endfor %}
{% block a %}{% endblock %}{% block a %}{% endblock %}
{% block a %}x{% endblock b %}
{{ 'The quick brown fox jumps over the lazy dog, well-known and over-long words included'|wordwrap(20) }}|{{ 'aaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbbbbbb c'|wordwrap(12) }}|{{ 'aaaaaaaaaaaaaaaaaaaaaaaaa b'|wordwrap(10, false) }}|{{ 'a b c d e f'|wordwrap(3, wrapstring='/') }}
{{ 'one -- two---three  four-five six-seven 10-20 a-b'|wordwrap(9) }}|{{ 'one two-three'|wordwrap(8, break_on_hyphens=false) }}|{{ ''|wordwrap }}|{{ '   '|wordwrap(5) }}|{{ 'a\n\n  b  c\nd'|wordwrap(4) }}|{{ '😀😀😀😀😀 ü'|wordwrap(3) }}
{{ 'a'|wordwrap(0) }}
{{ '<p>a  <b>b</b>\n c</p> &lt;x&gt; &amp; &eacute; &#39;<!-- <i> -->d < e'|striptags }}|{{ 'a <!-- b'|striptags }}|{{ 5|striptags }}
{{ 'see http://a.com/x?y=1&z=2. and (www.b.org) or mail me@c.net, <http://d.edu>'|urlize }}
{{ 'https://example.com/a_(b)_c'|urlize(12, true) }} {{ 'x www.a.com'|urlize(target='_blank', rel='b a') }} {{ 'mailto:a@b.de @a@b a@b http://1.2.3.4:80/ ftp://x tel:5'|urlize(extra_schemes=['tel:', 'ftp://']) }} {{ 'foo.com a.xn--p1ai http://localhost http://[::1]/ HTTP://A.COM'|urlize }}
{{ {'b': 1, 'a': [1, 2]}|pprint }} {{ 'x'|pprint }} {{ [1.0, none, true]|pprint }}
{{ {'zeta': ['a long text of some words', 'another long text of some words', 'a third'], 'alpha': {'x': 'a text that is rather long and goes on and on, further than a line of eighty', 'y': 1}}|pprint }}
{{ ('word ' * 30)|pprint }}
{{ ['line one\nline two\n' ~ 'word ' * 20, ['x' * 90]]|pprint }}
{{ (['a' * 40, 'b' * 50],)|list|pprint }}
{{ strftime_now('%U %W %G %V %u %g %v %j %w %q %-Q') }}
{% autoescape false %}{{ html }}{% set q = 1 %}{{ q }}{% endautoescape %}|{{ q }}
{% for x in list %}{% autoescape False %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endautoescape %}{% endfor %}
""".strip("\n").split("\n")
# Templates of several lines.
BLOCKS = [
    "a {# comment #} b {#- c -#} d {#\n lines #}\ne\n", "  {% if yes %}\n  x\n  {% endif %}\ny\n\n", "a\n  {%+ if yes %}\nx{% endif +%}\ny", "a  \n  {%- if yes -%}\n\n  x  {{- name -}}  y\n{%- endif %}   z",
    "{{ 1 }}\n  {{ 2 }}\n\t{% set a = 1 %}\tb{% set a = 1 %}\nc\n", "{% for x in list -%}\n  {{ x }}\n{%- endfor %}\n\n  {#- a -#}\n\n  b\n", "{% if yes %}\n\nx\n{% endif %}\n\n", "x\r\n{% if yes %}\r\ny\r{% endif %}\r\nz\r\n",
    "{% raw %}\n  {{ x }}\n{% endraw %}\n  z\n", "  {% raw -%}\n  x {% y %}  \n  {%- endraw %}\n\nz", "  {%+ raw %} {% endraw +%}\n", "{{ 'a\nb' }}{{ \"c\r\nd\" }}\n", "   {% set x = 1 %}   \n   {% set y = 2 %}z", "\n\n", "", "\n", "   ", "{%if yes%}a{%endif%}",
    "{{\n  n\n  +\n  1\n}}", "{% if\n yes\n and n\n%}\nA\n{% endif %}", "a\u2003{%- if yes %}b{% endif -%}\u2003c", "{#-#}x{#+#}\n", "{{'}}'}}{{ '%}' }}{{ {'a': {'b': 1}}['a']['b'] }}{{ {'a': {'b': 2}} }}", "{% set x = {'a': '%}'} %}{{ x }}", "{{ '{{' }}{{ '{%' }}{ % } { {", "{ { {% if yes %}{{% endif %}",
    "{% macro f(x) -%}\n  {%- if x -%}\n    [{{ x }}]\n  {%- endif -%}\n{%- endmacro %}\n{{ f(1) }}\n{{- f(2) }}\n", "{%- set ns = namespace(found=false) -%}\n{%- for x in list -%}\n  {%- if x == 1 -%}\n    {%- set ns.found = true -%}\n  {%- endif -%}\n{%- endfor -%}\n{{ ns.found }}",
    "{% for m in users %}\n{{ m.name }}\n{% if not loop.last %}\n--\n{% endif %}\n{% endfor %}\n", "{% set x %}\nline\n{% endset %}\n[{{ x }}]", "\t {# c #} \n x {# c #}\n{# c #}\n\ny", "{% generation %}\n  a\n{% endgeneration %}\nb", "a {%- raw %} x {% endraw -%} b", "{{ n }}\n\n{{ n }}\n", "{%- for x in list %}{{ x }}{% if loop.last %}{% else %}, {% endif %}{%- endfor -%}  end",
]
