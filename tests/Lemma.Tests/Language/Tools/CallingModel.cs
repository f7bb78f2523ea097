using System.Text.Json;
using Lemma.Language.Tools;

namespace Lemma.Tests.Language.Tools;

/// <summary>What tests ask a small model of random weights to call: a tool whose arguments end whatever the weights.</summary>
internal static class CallingModel
{
    public const string Name = "lamp";

    public const string Schema = """
        {"type":"object","properties":{"isOn":{"type":"boolean"},"room":{"enum":["hall","loft"]}},"required":["isOn","room"],"additionalProperties":false}
        """;

    public static Tool Tool => new(Name, "Turns a lamp on or off.", JsonElement.Parse(Schema));

    /// <summary>Arguments are of the schema.</summary>
    public static void AssertArguments(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        Assert.Equal(["isOn", "room"], document.RootElement.EnumerateObject().Select(one => one.Name));
        Assert.True(document.RootElement.GetProperty("isOn").ValueKind is JsonValueKind.True or JsonValueKind.False);
        Assert.Contains(document.RootElement.GetProperty("room").GetString(), (string[])["hall", "loft"]);
    }
}
