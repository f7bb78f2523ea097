using System.Text.Json;
using Json.Schema;
using Lemma.Decoding.Constraints;

namespace Lemma.Tests.Decoding.Constraints;

public class JsonGrammarTests
{
    private const string Person = """
        {"type":"object","properties":{"name":{"type":"string","minLength":1,"maxLength":5},"age":{"type":"integer","minimum":0,"maximum":150},
        "tags":{"type":"array","items":{"type":"string"},"maxItems":2}},"required":["name","age"],"additionalProperties":false}
        """;

    private const string Tree = """
        {"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"value":{"type":"number"},"children":{"type":"array","items":{"$ref":"#/$defs/node"}}},
        "required":["value"],"additionalProperties":false}}}
        """;

    public static TheoryData<string, string[], string[]> Schemas => new()
    {
        { Person, ["""{"name":"Ann","age":30}""", """{"name": "Ann", "age": 0, "tags": ["a", "b"]}""", "{\n  \"name\": \"é日\",\n  \"age\": 150\n}",
            """{"name":"\u00e9\ud83d\ude00","age":9,"tags":[]}"""],
            ["{}", """{"age":30,"name":"Ann"}""", """{"name":"","age":1}""", """{"name":"abcdef","age":1}""", """{"name":"a","age":151}""", """{"name":"a","age":1.0}""",
                """{"name":"a","age":-1}""", """{"name":"a","age":1,"tags":["a","b","c"]}""", """{"name":"a","age":1,"x":2}""", """{"name":"a","age":01}""",
                """{"name" :"a","age":1}""", """{"name":"\ud83d","age":1}""", """{"name":"a","age":1}  """] },
        { Tree, ["""{"value":1}""", """{"value":-1.5e3,"children":[{"value":2,"children":[]},{"value":3}]}"""], ["""{"children":[]}""", """{"value":1,"children":[1]}"""] },
        { """{"enum":["a",1,null,{"x":[1,2]},"q\"\n"]}""", ["\"a\"", "1", "null", """{"x":[1,2]}""", "\"q\\\"\\n\""], ["\"b\"", "1.0", "2"] },
        { """{"const":"\u00e9"}""", ["\"é\""], ["\"e\""] },
        { """{"type":["string","null"],"enum":["a",5,null]}""", ["\"a\"", "null"], ["5"] },
        { """{"type":"string","enum":["a","abc","abcd"],"maxLength":3,"pattern":"b|^a$"}""", ["\"a\"", "\"abc\""], ["\"abcd\""] },
        { """{"enum":[1,2.5,7,100],"minimum":2,"exclusiveMaximum":100}""", ["2.5", "7"], ["1", "100"] },
        { """{"anyOf":[{"type":"integer"},{"type":"boolean"}]}""", ["5", "-7", "true"], ["1.5", "null"] },
        { """{"type":"object","properties":{"k":{"type":"string"}},"anyOf":[{"required":["k"]},{"properties":{"z":{"type":"null"}},"required":["z"]}]}""",
            ["""{"k":"a"}""", """{"k":"a","z":null}""", """{"z":null}"""], ["{}", """{"z":1}"""] },
        { """{"oneOf":[{"type":"object","properties":{"t":{"const":"a"},"x":{"type":"integer"}},"required":["t","x"]},{"type":"object","properties":{"t":{"const":"b"}},"required":["t"]}]}""",
            ["""{"t":"a","x":1}""", """{"t":"b"}"""], ["""{"t":"a"}""", """{"t":"c"}"""] },
        { """{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"a":{"minimum":3},"b":{"type":"null"}}}]}""",
            ["""{"a":3}""", """{"a":10,"b":null}"""], ["""{"a":2}""", "{}"] },
        { """{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":{"type":"null"},"minItems":1,"maxItems":4}""",
            ["[1]", "[1, \"a\"]", "[1,\"a\",null,null]"], ["[]", "[\"a\"]", "[1,\"a\",null,null,null]", "[1,null]"] },
        { """{"type":"array","prefixItems":[{"type":"integer"}],"items":false}""", ["[]", "[1]"], ["[1,2]"] },
        { """{"type":"array","items":{"type":"integer"},"minItems":3,"maxItems":3}""", ["[1,2,3]"], ["[1,2]", "[1,2,3,4]"] },
        { """{"type":"array","items":{"type":"array","items":{"enum":[0,1]},"minItems":2,"maxItems":60},"maxItems":70}""",
            ["[]", "[[0,1],[1,1,1]]", "[[0,1,1,0,1,1,1,1,1,0,1,1,0,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]]"], ["[[0]]"] },
        { """{"type":"object","additionalProperties":{"type":"integer"}}""", ["{}", """{"a":1,"b\n":2}"""], ["""{"a":"b"}"""] },
        { """{"type":"object","additionalProperties":{"type":"integer"},"minProperties":1,"maxProperties":2}""", ["""{"a":1}""", """{"a":1,"b":2}"""],
            ["{}", """{"a":1,"b":2,"c":3}"""] },
        { """{"type":"object","properties":{"ab":{"type":"string"},"a":{"type":"null"}},"additionalProperties":{"type":"integer"}}""",
            ["{}", """{"ab":"x"}""", """{"a":null,"b":1}""", """{"abc":1}""", """{"ab":"x","aé":2,"":3}"""], ["""{"ab":1}""", """{"a":1}""", """{"\u0061b":1}""", """{"b":"x"}"""] },
        { """{"type":"object","properties":{"a":{}},"additionalProperties":true}""", ["""{"a":[1,{"x":null}],"q":true}"""], [] },
        { """{"type":"object","properties":{"a":{"type":"integer"}}}""", ["{}", """{"a":1}"""], ["""{"b":1}"""] },
        { """{"type":"object"}""", ["{}", """{"a":{"b":[1,2,"x",null,true]}}"""], ["[]", "1"] },
        { "{}", ["1", "\"a\"", "[1, 2]", """{"a":{}}""", "-0.5e-7", "null", "\"\\u00e9\\ud83d\\ude00\\/\""], ["", "tru", "01", "+1", ".5", "\"\\x\"", "\"\n\"", "[1,]"] },
        { "true", ["1"], ["x"] },
        { """{"type":"number","minimum":0.5,"maximum":10.25}""", ["0.5", "0.50", "1", "9.99", "10", "10.25", "10.2"], ["0.49", "10.26", "11", "-1", "0", "1e1", "100"] },
        { """{"type":"number","exclusiveMinimum":-2,"exclusiveMaximum":3}""", ["-1.99999", "0", "2.999", "-0.5", "2"], ["-2", "3", "3.0", "-2.0", "10"] },
        { """{"type":"number","minimum":-5}""", ["-5", "-4.5", "0", "1234567"], ["-5.1", "-6", "-10"] },
        { """{"type":"number","maximum":-3,"multipleOf":0.01}""", ["-3", "-3.25", "-1234.5"], ["-2.99", "-3.255", "0", "3"] },
        { """{"type":"integer","minimum":-12,"maximum":345}""", ["-12", "-9", "0", "9", "99", "345", "100"], ["-13", "346", "400", "-0", "1000"] },
        { """{"type":"integer","exclusiveMinimum":7}""", ["8", "10", "99999999999"], ["7", "0", "-8"] },
        { """{"type":"integer","minimum":98765,"maximum":98770}""", ["98765", "98769", "98770"], ["98764", "98771", "9876"] },
        { """{"type":"integer","format":"int32"}""", ["2147483647", "-2147483648"], ["2147483648", "-2147483649"] },
        { """{"type":"number","minimum":0,"maximum":1.7976931348623157E+308}""", ["0", "17.5"], ["-1"] },
        { """{"type":"string","minLength":2,"maxLength":70}""", ["\"ab\"", "\"é😀\"", "\"a\\n\\u00e9\"", "\"" + new string('a', 70) + "\""], ["\"a\"", "\"" + new string('a', 71) + "\""] },
        { """{"type":"string","pattern":"^[a-z]+\\d$"}""", ["\"ab1\""], ["\"1\"", "\"ab1 \""] },
        { """{"type":"string","pattern":"b+"}""", ["\"abc\"", "\"b\"", "\"\\n😀b\\\"\""], ["\"ac\""] },
        { """{"type":"string","pattern":"^a|b$"}""", ["\"ax\"", "\"xb\""], ["\"xa\"", "\"bx\""] },
        { """{"type":"string","pattern":"^[^a]*$","maxLength":3}""", ["\"\"", "\"\\\"\\n\\\\\"", "\"xyz\""], ["\"xyzz\"", "\"a\""] },
        { """{"type":"string","format":"date"}""", ["\"2024-02-29\"", "\"1999-12-31\"", "\"2000-02-29\""], ["\"2023-02-29\"", "\"1900-02-29\"", "\"2024-04-31\"", "\"2024-1-1\"", "\"0000-01-01\""] },
        { """{"type":"string","format":"date-time"}""", ["\"2024-02-29T23:59:59.5Z\"", "\"2024-01-01T00:00:00+02:00\""], ["\"2024-01-01\"", "\"2024-01-01T24:00:00Z\""] },
        { """{"type":"string","format":"uuid"}""", ["\"123e4567-e89b-12d3-a456-426614174000\""], ["\"123e4567\""] },
        { """{"type":"string","format":"ipv4"}""", ["\"192.168.0.1\"", "\"255.255.255.255\""], ["\"256.1.1.1\"", "\"1.1.1\""] },
        { """{"type":"string","format":"email"}""", ["\"a.b@example.com\""], ["\"a@b\"", "\"@b.c\""] },
        { """{"type":["string","null"],"not":{"enum":["abc","def","default",""]}}""",
            ["null", "\"ab\"", "\"abcd\"", "\"de\"", "\"defx\"", "\"defaul\"", "\"defaults\"", "\"\\\"é😀\"", "\"a\\nbc\""],
            ["\"\"", "\"abc\"", "\"def\"", "\"default\"", "\"\\u0061bc\"", "\"d\\u0065f\""] },
        { """{"enum":["a","b",1,null],"not":{"enum":["b",1]}}""", ["\"a\"", "null"], ["\"b\"", "1"] },
        { """{"type":["boolean","null"],"not":{"enum":[true,"a",7]}}""", ["false", "null"], ["true"] },
        { """{"not":{"type":["string","object","array"]}}""", ["1", "null", "true"], ["\"a\"", "[]", "{}"] },
        { """{"type":"string","not":{"enum":["a",1],"type":"number"}}""", ["\"a\""], ["1"] },
        { """{"type":"string","nullable":true}""", ["\"a\"", "null"], ["1"] },
        { """{"properties":{"a":{"type":"integer"}},"required":["a","b"]}""", ["""{"a":1,"b":[2]}"""], ["""{"a":1}""", "5"] },
        { """{"type":"object","properties":{"self":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},"required":["self"],"additionalProperties":false}""",
            ["""{"self":{"self":null}}"""], ["{}"] },
        { """{"type":"object","properties":{"a/b":{"$ref":"#/$defs/x~1y~0%25"}},"$defs":{"x/y~%":{"const":1}}}""", ["""{"a/b":1}"""], ["""{"a/b":2}"""] },
    };

    [Theory, MemberData(nameof(Schemas))]
    public void ASchemaTakesWhatItShould(string schema, string[] accepted, string[] rejected)
    {
        Grammar grammar = Grammar.JsonSchema(schema);
        Assert.All(accepted, text => Assert.True(grammar.Accepts(text), text));
        Assert.All(rejected, text => Assert.False(grammar.Accepts(text), text));
    }

    [Theory, MemberData(nameof(Schemas))]
    public void WhatIsDrawnUnderASchemaValidates(string schema, string[] accepted, string[] rejected)
    {
        _ = (accepted, rejected);
        // "nullable" is OpenAPI's.
        Json.Schema.JsonSchema validator = Json.Schema.JsonSchema.FromText(schema.Replace("\"string\",\"nullable\":true", "[\"string\",\"null\"]", StringComparison.Ordinal));
        Constraint constraint = new(Grammar.JsonSchema(schema), ConstraintTokenizers.ByteLevel);
        Random random = new(5);
        for (int i = 0; i < 25; i++)
        {
            string text = RandomTexts.Draw(constraint, ConstraintTokenizers.ByteLevel, ConstraintTokenizers.End, random);
            using JsonDocument document = JsonDocument.Parse(text);
            Assert.True(validator.Evaluate(document.RootElement, new EvaluationOptions { RequireFormatValidation = true }).IsValid, $"{schema}\n{text}");
        }
    }

    [Theory]
    [InlineData("""{"properties":{"a":{"type":"array","uniqueItems":true}}}""", "#/properties/a/uniqueItems", "not supported")]
    [InlineData("""{"not":{"minimum":3}}""", "#/not", "'minimum'")]
    [InlineData("""{"not":{"type":"integer"}}""", "#/not", "whole numbers")]
    [InlineData("""{"type":["integer","string"],"not":{"const":1}}""", "#", "not 1")]
    [InlineData("""{"type":"string","pattern":"a","not":{"const":"b"}}""", "#", "left out among them")]
    [InlineData("""{"type":"object","patternProperties":{"a":{}}}""", "#/patternProperties", "not supported")]
    [InlineData("""{"if":{},"then":{}}""", "#/if", "not supported")]
    [InlineData("""{"type":"integer","multipleOf":7}""", "#/multipleOf", "of 7")]
    [InlineData("""{"type":"thing"}""", "#/type", "'thing'")]
    [InlineData("""{"type":"string","pattern":"(a)\\1"}""", "#/pattern", "back-reference")]
    [InlineData("""{"type":"string","pattern":"ab","minLength":9}""", "#/pattern", "say it in the pattern")]
    [InlineData("""{"type":"string","format":"nonsense"}""", "#/format", "'nonsense'")]
    [InlineData("""{"$ref":"#/$defs/a"}""", "#/$ref", "leads nowhere")]
    [InlineData("""{"$ref":"http://example.com/a"}""", "#/$ref", "must lead to this schema")]
    [InlineData("""{"$ref":"#"}""", "#", "without a value between")]
    [InlineData("""{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}""", "#/$defs/a", "without a value between")]
    [InlineData("""{"anyOf":[{"$ref":"#"},{"type":"null"}]}""", "#", "schemas may stand in each other")]
    [InlineData("""{"oneOf":[{"type":"integer"},{"type":"number"}]}""", "#/oneOf", "0 and 1 may hold at once")]
    [InlineData("""{"minItems":"a"}""", "#/minItems", "whole number")]
    [InlineData("""{"properties":[]}""", "#/properties", "object of schemas")]
    [InlineData("5", "#", "must be an object, true or false")]
    public void WhatIsNotSupportedIsSaidWithItsPlace(string schema, string pointer, string reason)
    {
        string message = Assert.Throws<GrammarException>(() => Grammar.JsonSchema(schema)).Message;
        Assert.Contains($"schema: {pointer}", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("false")]
    [InlineData("""{"type":"integer","minimum":5,"maximum":4}""")]
    [InlineData("""{"type":"integer","minimum":0.2,"maximum":0.8}""")]
    [InlineData("""{"enum":[]}""")]
    [InlineData("""{"not":{}}""")]
    [InlineData("""{"type":"null","not":{"const":null}}""")]
    [InlineData("""{"type":"string","enum":[1,2]}""")]
    [InlineData("""{"allOf":[{"type":"string"},{"type":"null"}]}""")]
    [InlineData("""{"type":"string","minLength":5,"maxLength":4}""")]
    [InlineData("""{"type":"array","items":false,"minItems":1}""")]
    [InlineData("""{"type":"object","properties":{"a":false},"required":["a"]}""")]
    [InlineData("""{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}""")]
    public void ASchemaThatNothingMatchesIsAnErrorAtOnce(string schema) =>
        Assert.Contains("some text must match", Assert.Throws<GrammarException>(() => Grammar.JsonSchema(schema)).Message, StringComparison.Ordinal);

    [Fact]
    public void SchemasOfManyPartsAreBounded()
    {
        string all = string.Join(',', Enumerable.Range(0, 1000).Select(i => $$"""
            "property{{i}}":{"type":["string","null"],"maxLength":{{100 + i}}}
            """));
        Grammar grammar = Grammar.JsonSchema($$"""{"type":"object","properties":{{{all}}},"additionalProperties":false}""");
        Assert.True(grammar.Accepts("""{"property3":"a","property299":null}"""));
        Assert.False(grammar.Accepts("""{"property4":"a","property3":null}"""));
        Assert.True(grammar.Accepts(RandomTexts.Draw(new Constraint(grammar, ConstraintTokenizers.ByteLevel), ConstraintTokenizers.ByteLevel, ConstraintTokenizers.End, new Random(1))));
        string twice = string.Join(',', Enumerable.Range(0, 30).Select(_ => """{"anyOf":[{"type":"integer"},{"type":"string"},{"type":"null"}]}"""));
        Assert.Contains("combinations", Assert.Throws<GrammarException>(() => Grammar.JsonSchema($$"""{"allOf":[{{twice}}]}""")).Message, StringComparison.Ordinal);
    }

    private static string Many(int count, string one) => string.Join(',', Enumerable.Range(0, count).Select(i => one.Replace("NUMBER", $"{i}").Replace("NEXT", $"{i + 1}")));

    public static TheoryData<string> Large => new(
        "{\"type\":\"object\",\"properties\":{" + Many(9000, "\"nameNUMBER\":{}") + "}}",
        "{\"type\":\"object\",\"properties\":{" + Many(40_000, "\"pNUMBER\":{}") + "}}",
        "{\"allOf\":[{\"enum\":[" + Many(200_000, "1") + "]},{\"enum\":[" + Many(200_000, "2") + "]}]}",
        "{\"oneOf\":[" + Many(3000, "{\"const\":NUMBER}") + "]}",
        "{\"enum\":[" + Many(60_000, "\"value NUMBER\"") + "]}",
        "{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + Many(5000, "\"dNUMBER\":{\"properties\":{\"a\":{\"$ref\":\"#/$defs/dNEXT\"}}}") + ",\"d5000\":{}}}",
        """{"type":"number","minimum":1e39,"maximum":1.5e39}""",
        """{"type":"string","minLength":999999,"maxLength":1000000}""",
        """{"type":"array","minItems":1000,"items":{"type":"array","minItems":1000,"items":{"type":"string","minLength":1000}}}""");

    [Theory, MemberData(nameof(Large))]
    public void LargeSchemasTakeBoundedTime(string schema)
    {
        System.Diagnostics.Stopwatch watch = System.Diagnostics.Stopwatch.StartNew();
        try
        {
            _ = new Constraint(Grammar.JsonSchema(schema), ConstraintTokenizers.ByteLevel);
        }
        catch (GrammarException)
        {
        }
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 10);
    }

    [Fact]
    public void HalvesOfPairsAreRefused()
    {
        using JsonDocument document = JsonDocument.Parse("""{"properties":{"\ud800":{}}}""");
        Assert.Contains("half of a surrogate pair", Assert.Throws<GrammarException>(() => Grammar.JsonSchema(document.RootElement)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhiteSpaceIsAFreedomThatCanBeTaken()
    {
        Grammar loose = Grammar.JsonObject(), tight = Grammar.JsonObject(new JsonGrammarOptions { AllowsWhitespace = false });
        foreach (string text in (string[])["{}", """{"a":[1,2]}"""])
            Assert.True(loose.Accepts(text) && tight.Accepts(text));
        foreach (string text in (string[])["{ }", """{"a": 1}""", "{\n    \"a\": [\n        1\n    ]\n}"])
            Assert.True(loose.Accepts(text) && !tight.Accepts(text), text);
        foreach (string text in (string[])["""{"a" :1}""", """{"a":  1}""", "{\n\n}", " {}", "{} ", "[]"])
            Assert.False(loose.Accepts(text), text);
    }
}
