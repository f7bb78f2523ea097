using System.Diagnostics;
using Lemma.Decoding.Constraints;

namespace Lemma.Tests.Decoding.Constraints;

/// <summary>Sources that were changed at random are taken or refused by the one exception, in bounded time.</summary>
public class GrammarFuzzTests
{
    private static readonly string[] Patterns = ["^(?:[a-z]+\\d{2,5}|\\p{L}*)$", "(a|b)*c{3,40}[^x-z\\]]?", "\\u00e9\\x41(?<n>[\\w.-]+)@x", "(?i)(?:ab){2,}|.{1,9}"];
    private static readonly string[] Gbnf = ["root ::= item (\", \" item)*\nitem ::= [a-z]+ | \"(\" root \")\" # x\n", "root ::= \"a\"{2,4} <tok> b?\nb ::= [^\\n\\x41-\\x45] |\n  \"q\"\n"];
    private static readonly string[] Schemas = ["""{"type":"object","properties":{"a":{"type":"string","maxLength":9,"pattern":"^a*$"},"b":{"$ref":"#/$defs/x"}},"required":["a"],"$defs":{"x":{"enum":[1,"a",null]}}}""",
        """{"anyOf":[{"type":"integer","minimum":-5,"exclusiveMaximum":1e3},{"type":"array","prefixItems":[{}],"items":{"$ref":"#"},"maxItems":3}]}""",
        """{"oneOf":[{"const":{"a":[1.5]}},{"type":["number","null"],"multipleOf":0.01,"maximum":7.25}],"allOf":[{"format":"date"}]}"""];

    [Fact]
    public void RegularExpressions() => Fuzz(Patterns, static text => Grammar.Regex(text));

    [Fact]
    public void GbnfGrammars() => Fuzz(Gbnf, static text => Grammar.Gbnf(text));

    [Fact]
    public void JsonSchemas() => Fuzz(Schemas, static text => Grammar.JsonSchema(text));

    private static void Fuzz(string[] seeds, Func<string, Grammar> read)
    {
        const string letters = "{}[]()\"\\|*+?^$.,:-0123456789aAnbtTrue<>!#~/ \n\u00e9\ud83d";
        int times = int.TryParse(Environment.GetEnvironmentVariable("LEMMA_FUZZ"), out int asked) ? asked : 1500, taken = 0;
        Random random = new(17);
        for (int i = 0; i < times; i++)
        {
            List<char> text = [.. seeds[random.Next(seeds.Length)]];
            for (int change = random.Next(1, 5); change > 0; change--)
            {
                int at = random.Next(text.Count), length = Math.Min(random.Next(8), text.Count - at);
                switch (random.Next(4))
                {
                    case 0:
                        text[at] = letters[random.Next(letters.Length)];
                        break;
                    case 1:
                        text.Insert(at, letters[random.Next(letters.Length)]);
                        break;
                    case 2 when text.Count > length + 1:
                        text.RemoveRange(at, length);
                        break;
                    default:
                        text.InsertRange(random.Next(text.Count), text.GetRange(at, length));
                        break;
                }
            }
            string source = new([.. text]);
            Stopwatch watch = Stopwatch.StartNew();
            try
            {
                read(source).AcceptsBeginning("a1\"{[é");
                taken++;
            }
            catch (GrammarException)
            {
            }
            Assert.True(watch.Elapsed.TotalSeconds < 10, source);
        }
        Assert.True(taken > times / 50);
    }
}
