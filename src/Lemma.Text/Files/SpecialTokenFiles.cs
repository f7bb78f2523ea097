using System.Globalization;
using System.Text.Json;
using Lemma.Formats;
using Lemma.Text.Models;

namespace Lemma.Text.Files;

/// <summary>Special tokens that stand beside a vocabulary: tokenizer_config.json, added_tokens.json and special_tokens_map.json.</summary>
internal sealed class SpecialTokenFiles
{
    private readonly Dictionary<int, AddedToken> tokens = [];
    private readonly Dictionary<string, string> roles = new(StringComparer.Ordinal);

    /// <summary>Reads those files that a folder has.</summary>
    /// <exception cref="InvalidDataException">One is broken; the message names it and the place.</exception>
    public SpecialTokenFiles(string folder, Vocabulary vocabulary)
    {
        Read(folder, "added_tokens.json", root =>
        {
            foreach (JsonPlace member in root.Members())
                Add(new AddedToken(member.Natural(), member.Name) { IsSpecial = false }, vocabulary);
        });
        foreach (string name in (ReadOnlySpan<string>)["special_tokens_map.json", "tokenizer_config.json"])
            Read(folder, name, root => ReadRoles(root, vocabulary));
        Read(folder, "tokenizer_config.json", root =>
        {
            Class = root["tokenizer_class"].TextOr("");
            AddsPrefixSpace = root["add_prefix_space"].FlagOr(false);
            AddsStart = root["add_bos_token"].IsNull ? null : root["add_bos_token"].FlagOr(false);
            if (!root["added_tokens_decoder"].IsNull)
                foreach (JsonPlace member in root["added_tokens_decoder"].Members())
                    Add(TokenizerFile.ReadAddedToken(member, IdOf(member)), vocabulary);
        });
    }

    /// <summary>The name of the tokenizer's class in Hugging Face's transformers; empty where it is not said.</summary>
    public string Class { get; private set; } = "";

    /// <summary>Whether the start stands before a text; null where it is not said.</summary>
    public bool? AddsStart { get; private set; }

    /// <summary>Whether a space is put before a text that does not start with one.</summary>
    public bool AddsPrefixSpace { get; private set; }

    /// <summary>All added tokens, by their ids.</summary>
    public IReadOnlyList<AddedToken> Tokens => [.. tokens.Values.OrderBy(static token => token.Id)];

    /// <summary>The token of a role such as bos_token, or another.</summary>
    public string RoleOr(string role, string other) => roles.GetValueOrDefault(role, other);

    /// <summary>Adds a token that a family has, where the files do not.</summary>
    public void AddKnown(string content, Vocabulary vocabulary)
    {
        if (vocabulary.IdOf(content) is int id and >= 0)
            AddKnown(new AddedToken(id, content));
    }

    /// <summary>Adds a token that a family has, where the files do not.</summary>
    public void AddKnown(AddedToken token) => tokens.TryAdd(token.Id, token);

    private void Add(AddedToken token, Vocabulary vocabulary)
    {
        // What the vocabulary or an earlier token has under this name keeps its id.
        if (vocabulary.IdOf(token.Content) is int known and >= 0 && known != token.Id)
            throw new InvalidDataException($"'{token.Content}' has the id {token.Id}, but {known} in the vocabulary");
        tokens[token.Id] = token;
    }

    private static int IdOf(JsonPlace place) => int.TryParse(place.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id
        : throw place.Error("must have a number for a name");

    private void ReadRoles(JsonPlace root, Vocabulary vocabulary)
    {
        foreach (JsonPlace member in root.Members())
            if (member.Name.EndsWith("_token", StringComparison.Ordinal) && member.Value.ValueKind is JsonValueKind.String or JsonValueKind.Object)
                AddRole(member, member.Name, vocabulary);
            else if (member.Name is "additional_special_tokens" && member.Value.ValueKind == JsonValueKind.Array)
                foreach (JsonPlace item in member.Items())
                    AddRole(item, member.Name, vocabulary);
    }

    private void AddRole(JsonPlace place, string role, Vocabulary vocabulary)
    {
        bool isObject = place.Value.ValueKind == JsonValueKind.Object;
        string content = isObject ? place["content"].TextOr("") : place.Text();
        if (content.Length == 0)
            return;
        roles[role] = content;
        int id = tokens.Values.FirstOrDefault(token => token.Content == content)?.Id ?? vocabulary.IdOf(content);
        if (id >= 0)
            tokens[id] = (isObject ? TokenizerFile.ReadAddedToken(place, id) : new AddedToken(id, content)) with { IsSpecial = true };
    }

    private static void Read(string folder, string name, Action<JsonPlace> read)
    {
        string path = Path.Combine(folder, name);
        if (!File.Exists(path))
            return;
        try
        {
            using JsonDocument document = JsonText.Parse(FileBytes.Read(path));
            read(new JsonPlace(document.RootElement));
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{name}: {error.Message}", error);
        }
    }
}
