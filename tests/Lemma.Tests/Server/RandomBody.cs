using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lemma.Tests.Server;

/// <summary>Random JSON: of a schema, or of a body with something in it changed.</summary>
internal sealed class RandomBody(Random random)
{
    private static readonly string[] Junk = ["null", "true", "-1", "0", "1e308", "-1e-320", "99999999999999999999", "3.5", "\"\"", "\"a\"", "\"\\u0000\\ud83d\\ude00\"", "\"HALF\"", "[]", "{}", "[null]", "{\"a\":[{}]}",
        "\"required\"", "\"tiny\"", "\"vectors\"", "\"" + new string('a', 3000) + "\"", "[[[[[[[[[[[[[[1]]]]]]]]]]]]]]", "[1,2,3]", "[\"a\",5]", "{\"type\":\"function\"}", "{\"type\":\"object\",\"$ref\":\"#\"}"];

    /// <summary>A value of a schema, as far as its words say.</summary>
    public string Of(JsonElement schema)
    {
        string text = Value(schema, 0)?.ToJsonString() ?? "null";
        if (JsonNode.Parse(text) is not JsonObject body)
            return text;
        // What names a model is rarely one that is there, and texts are to be short.
        if (random.Next(10) > 0)
            body["model"] = body.ContainsKey("input") && random.Next(2) == 0 ? "vectors" : "tiny";
        foreach (string name in (string[])["max_tokens", "max_completion_tokens", "max_output_tokens"])
        {
            if (body.ContainsKey(name))
                body[name] = random.Next(1, 9);
        }
        return body.ToJsonString();
    }

    /// <summary>A body with one of its places changed, left out, doubled or wrapped.</summary>
    public string Changed(string body)
    {
        JsonNode? root;
        List<JsonNode> places = [];
        try
        {
            root = JsonNode.Parse(body);
            Collect(root, places);
        }
        // It is too deep or has a name twice already.
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            return body;
        }
        if (places.Count == 0)
            return body;
        JsonNode place = places[random.Next(places.Count)];
        JsonNode? junk = JsonNode.Parse(Junk[random.Next(Junk.Length)]);
        if (random.Next(25) == 0)
            junk = JsonNode.Parse(Nested(random.Next(10, 60)));
        if (place is JsonObject fields)
        {
            string[] names = [.. fields.Select(one => one.Key)];
            string name = names.Length > 0 && random.Next(8) > 0 ? names[random.Next(names.Length)] : "colour";
            if (random.Next(5) == 0)
                fields.Remove(name);
            else
                fields[name] = junk;
        }
        else if (place is JsonArray { Count: > 0 } list)
        {
            int at = random.Next(list.Count);
            if (random.Next(3) == 0)
                list.Insert(at, list[at]?.DeepClone());
            else
                list[at] = junk;
        }
        string text = root!.ToJsonString();
        // Deeper than any reader goes, and a name twice.
        return random.Next(30) == 0 ? $"{{\"a\":{Nested(500)}}}" : random.Next(30) == 0 && text.StartsWith('{') ? "{\"model\":1," + text[1..] : text;
    }

    private static string Nested(int depth) => new string('[', depth) + new string(']', depth);

    private static void Collect(JsonNode? node, List<JsonNode> places)
    {
        if (node is JsonObject fields)
        {
            places.Add(node);
            foreach ((_, JsonNode? value) in fields)
                Collect(value, places);
        }
        else if (node is JsonArray list)
        {
            places.Add(node);
            foreach (JsonNode? value in list)
                Collect(value, places);
        }
    }

    private JsonNode? Value(JsonElement schema, int depth)
    {
        schema = OpenAIDocument.Resolve(schema);
        if (depth > 8)
            return null;
        if (schema.TryGetProperty("enum", out JsonElement words))
            return JsonNode.Parse(words[random.Next(words.GetArrayLength())].GetRawText());
        if (schema.TryGetProperty("anyOf", out JsonElement any))
            return Value(any[random.Next(any.GetArrayLength())], depth + 1);
        if (schema.TryGetProperty("allOf", out JsonElement all))
        {
            JsonObject whole = [];
            foreach (JsonElement part in all.EnumerateArray())
            {
                if (Value(part, depth) is JsonObject some)
                {
                    foreach ((string name, JsonNode? value) in some.ToArray())
                        whole[name] = value?.DeepClone();
                }
            }
            return whole;
        }
        return (schema.TryGetProperty("type", out JsonElement type) ? type.ValueKind == JsonValueKind.String ? type.GetString() : type[0].GetString() : "object") switch
        {
            "string" => new string('a', random.Next(4)),
            "integer" => random.Next(20) == 0 ? int.MaxValue : random.Next(-1, 5),
            "number" => Math.Round(random.NextDouble() * 2, 2),
            "boolean" => random.Next(2) == 0,
            "array" => new JsonArray([.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => schema.TryGetProperty("items", out JsonElement items) ? Value(items, depth + 1) : null)]),
            "object" => Fields(schema, depth),
            _ => null,
        };
    }

    private JsonObject Fields(JsonElement schema, int depth)
    {
        JsonObject made = [];
        if (!schema.TryGetProperty("properties", out JsonElement properties))
            return made;
        HashSet<string> needed = schema.TryGetProperty("required", out JsonElement names) ? [.. names.EnumerateArray().Select(one => one.GetString()!)] : [];
        // Few of many fields, so that some bodies have nothing that is not supported.
        int rarity = Math.Max(2, properties.EnumerateObject().Count() / 3);
        foreach (JsonProperty property in properties.EnumerateObject())
        {
            if (needed.Contains(property.Name) || property.NameEquals("input") || random.Next(rarity) == 0)
                made[property.Name] = Value(property.Value, depth + 1);
        }
        return made;
    }
}
