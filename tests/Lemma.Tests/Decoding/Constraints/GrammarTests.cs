using System.Diagnostics;
using Lemma.Decoding.Constraints;

namespace Lemma.Tests.Decoding.Constraints;

public class GrammarTests
{
    [Fact]
    public void AChoiceIsOneOfItsTextsAsAWhole()
    {
        Grammar grammar = Grammar.Choices(["yes", "yesterday", "no", "né", "日本"]);
        Assert.All(["yes", "yesterday", "no", "né", "日本"], text => Assert.True(grammar.Accepts(text)));
        Assert.All(["", "y", "yester", "yes ", "n", "日", "nö"], text => Assert.False(grammar.Accepts(text)));
        Assert.True(grammar.AcceptsBeginning("yester"));
        Assert.False(grammar.AcceptsBeginning("yesn"));
        Assert.Equal("choices: there must be at least one text, but there is none", Assert.Throws<GrammarException>(() => Grammar.Choices([])).Message);
        Assert.True(Grammar.Choices(["", "a"]).Accepts(""));
    }

    [Fact]
    public void ManyChoicesThatBeginAlikeAreTold()
    {
        string[] texts = [.. Enumerable.Range(0, 300).Select(i => new string('a', i)), .. Enumerable.Range(0, 5000).Select(i => $"word{i}")];
        Grammar grammar = Grammar.Choices(texts);
        Assert.All(texts, text => Assert.True(grammar.Accepts(text)));
        Assert.False(grammar.Accepts("word5000"));
        Assert.False(grammar.Accepts(new string('a', 300)));
    }

    [Theory]
    [InlineData("abc", new[] { "abc" }, new[] { "", "ab", "abcd" })]
    [InlineData("^abc$", new[] { "abc" }, new[] { "", "ab" })]
    [InlineData("a|bc|", new[] { "a", "bc", "" }, new[] { "b", "abc" })]
    [InlineData("(ab)*c?", new[] { "", "c", "abab", "ababc" }, new[] { "a", "cab" })]
    [InlineData("a{2,3}", new[] { "aa", "aaa" }, new[] { "a", "aaaa" })]
    [InlineData("a{3}", new[] { "aaa" }, new[] { "aa", "aaaa" })]
    [InlineData("(?:ab){40,41}", new[] { "abababababababababababababababababababababababababababababababababababababababab" }, new[] { "abab" })]
    [InlineData("a{2,}b", new[] { "aab", "aaaaab" }, new[] { "ab" })]
    [InlineData("(?:[a-z]{30,}|x)1", new[] { "x1", "abcdefghijklmnopqrstuvwxyzabcd1", "abcdefghijklmnopqrstuvwxyzabcdefghijk1" }, new[] { "abc1" })]
    [InlineData("[^a-c\\d]+", new[] { "xyz", "é", "日" }, new[] { "a", "1", "x1" })]
    [InlineData("\\d+\\.\\d{2}", new[] { "3.14", "0.00" }, new[] { ".14", "3.1", "٣.14" })]
    [InlineData("\\w+", new[] { "a_1" }, new[] { "é", "" })]
    [InlineData("\\p{L}+", new[] { "été", "Ω", "日本" }, new[] { "1", " " })]
    [InlineData("\\p{Script=Greek}", new[] { "α" }, new[] { "a" })]
    [InlineData("[\\w.-]+@\\w+", new[] { "a.b-c@d" }, new[] { "@d", "a@" })]
    [InlineData("\\u00e9\\x41\\u{1F600}\\ud83d\\ude00", new[] { "éA😀😀" }, new[] { "éA😀" })]
    [InlineData("(?i)straße|x", new[] { "STRAßE", "X", "x" }, new[] { "y" })]
    [InlineData(".", new[] { "a", "é", "😀" }, new[] { "\n", "", "ab" })]
    [InlineData("[😀-😂é]", new[] { "😁", "é" }, new[] { "a" })]
    [InlineData("a+?b*?", new[] { "a", "aab" }, new[] { "b" })]
    [InlineData("(a?){3}b", new[] { "b", "ab", "aaab" }, new[] { "aaaab" })]
    [InlineData("(a*)*", new[] { "", "aaa" }, new[] { "b" })]
    [InlineData("(?:(?:a|b?)(?:c?d?)){2,50}", new[] { "", "a", "bcdcd", "acdbd" }, new[] { "e" })]
    [InlineData("(?<year>\\d{4})-(?<month>\\d\\d)", new[] { "2024-12" }, new[] { "2024-1" })]
    [InlineData("[\\]\\-^]+", new[] { "]-^" }, new[] { "a" })]
    public void ARegularExpressionMatchesWhatItShould(string pattern, string[] accepted, string[] rejected)
    {
        Grammar grammar = Grammar.Regex(pattern);
        Assert.All(accepted, text => Assert.True(grammar.Accepts(text), text));
        Assert.All(rejected, text => Assert.False(grammar.Accepts(text), text));
    }

    [Theory]
    [InlineData("(a)\\1", "back-reference")]
    [InlineData("(?=a)b", "look-around")]
    [InlineData("(?<!a)b", "look-around")]
    [InlineData("a\\b", "condition of a place")]
    [InlineData("(a", "close its group")]
    [InlineData("a)", "open the group that it closes")]
    [InlineData("[a", "go on at its end")]
    [InlineData("a{3,1}", "from 3 to 1")]
    [InlineData("a**", "repeat a part once")]
    [InlineData("*a", "something to repeat")]
    [InlineData("a(^b)", "only at the start and the end")]
    [InlineData("[b-a]", "from the lower to the higher")]
    [InlineData("\\p{Nonsense}", "names 'Nonsense'")]
    [InlineData("\\q", "\\q")]
    [InlineData("a{9999999}", "at most 1000000 times")]
    [InlineData("[^\\u0000-\\u{10FFFF}]", "some text must match")]
    public void WhatARegularExpressionCannotBeIsSaid(string pattern, string reason) =>
        Assert.Contains(reason, Assert.Throws<GrammarException>(() => Grammar.Regex(pattern)).Message, StringComparison.Ordinal);

    [Fact]
    public void AGbnfGrammarIsReadAsItsLanguageSays()
    {
        Grammar list = Grammar.Gbnf("""
            # a list
            root ::= (
                item   # one

                (", " item)*
            )
            item ::= word | number | "[" root "]" |
                [\x41-\x43] "\u00e9"?
            word ::= [a-z] [^ \n,\]0-9A-Z[]{0,3}
            number ::= "-"? [0-9]+ ("." [0-9]{2})? | "" "#"
            """);
        Assert.All(["ab", "a, b", "[a, [1.25]], -3", "Aé", "B", "#", "wxyz"], text => Assert.True(list.Accepts(text), text));
        Assert.All(["", "a,b", "abcde", "1.2", "[a", "D", "Éa"], text => Assert.False(list.Accepts(text), text));

        Grammar deep = Grammar.Gbnf("root ::= \"(\" root \")\" | \"x\"");
        Assert.True(deep.Accepts(new string('(', 300) + "x" + new string(')', 300)));
        Assert.False(deep.Accepts(new string('(', 300) + "x" + new string(')', 299)));
        Grammar right = Grammar.Gbnf("root ::= \"a\" root | \"b\" | other\nother ::= \"c\" root");
        Assert.True(right.Accepts(string.Concat(Enumerable.Repeat("ac", 5000)) + "b"));
        Assert.True(Grammar.Gbnf("start ::= .{2,} \"!\"", root: "start").Accepts("é日!"));
    }

    [Theory]
    [InlineData("root ::= other", "the rule 'other' must be said, but is only named, line 1, column 10")]
    [InlineData("rule ::= \"a\"", "there must be a rule 'root'")]
    [InlineData("root ::= \"a", "go on at its end")]
    [InlineData("root ::= \"a\"\nroot ::= \"b\"", "said twice, line 2")]
    [InlineData("root = \"a\"", "::= is needed")]
    [InlineData("root ::= (\"a\"", "a group must be closed")]
    [InlineData("root ::= [a", "go on at its end")]
    [InlineData("root ::= \"\\q\"", "\\q is not")]
    [InlineData("root ::= root \"a\" | \"b\"", "left recursion), but 'root' does")]
    [InlineData("root ::= a\na ::= b? c\nb ::= \"x\"\nc ::= a \"y\" | \"z\"", "left recursion")]
    [InlineData("root ::= root", "none matches 'root'")]
    [InlineData("root ::= \"(\" root \")\"", "none matches 'root'")]
    [InlineData("root ::= !<think>", "not supported")]
    [InlineData("root ::= (root \"a\")* \"b\"", "left recursion")]
    public void WhatAGbnfGrammarCannotBeIsSaid(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<GrammarException>(() => Grammar.Gbnf(text)).Message, StringComparison.Ordinal);

    public static TheoryData<string> Explosions =>
    [
        // Nested counts that can be split in more ways than there are bytes.
        "(((a{1,300}){1,300}){1,300}){1,300}",
        "(?:a{0,5000}){0,5000}(?:a{0,5000}){0,5000}b",
        string.Concat(Enumerable.Repeat("(?:", 60)) + "a" + string.Concat(Enumerable.Repeat("?a*)*", 60)),
        "(?:" + string.Join('|', Enumerable.Range(0, 2000).Select(i => $"a{{{i},{i + 1000}}}b")) + ")",
        string.Concat(Enumerable.Repeat("(a|b|ab)*", 200)),
        "\\p{L}{1,100000}\\w{1,100000}[^a]{1,100000}",
    ];

    [Theory, MemberData(nameof(Explosions))]
    public void AnExplosionIsBounded(string pattern)
    {
        Stopwatch watch = Stopwatch.StartNew();
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            Grammar.Regex(pattern).AcceptsBeginning(new string('a', 200));
        }
        catch (GrammarException error)
        {
            Assert.Contains("ambiguous", error.Message, StringComparison.Ordinal);
        }
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 20);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 6L << 30);
    }

    [Fact]
    public void LargeSourcesAreRefused()
    {
        GrammarLimits limits = new() { MaximumSource = 100, MaximumRules = 50, MaximumPositions = 200, MaximumNesting = 5 };
        Assert.Contains("at most 100 characters", Assert.Throws<GrammarException>(() => Grammar.Regex(new string('a', 101), limits)).Message, StringComparison.Ordinal);
        Assert.Contains("at most 5 groups", Assert.Throws<GrammarException>(() => Grammar.Regex("((((((a))))))", limits)).Message, StringComparison.Ordinal);
        Assert.Contains("at most 200 ", Assert.Throws<GrammarException>(() => Grammar.Choices(Enumerable.Range(10, 90).Select(i => $"{i}{i * 7919}"),
            limits with { MaximumSource = 10_000 })).Message, StringComparison.Ordinal);
        Assert.Throws<GrammarException>(() => Grammar.Regex(new string('(', 100_000)));
        Assert.Throws<GrammarException>(() => Grammar.Gbnf("root ::= " + new string('(', 100_000)));
        Assert.Throws<GrammarException>(() => Grammar.JsonSchema(string.Concat(Enumerable.Repeat("{\"items\":", 5000))));
    }
}
