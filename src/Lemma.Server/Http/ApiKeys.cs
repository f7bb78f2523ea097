using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Lemma.Server.Http;

/// <summary>Keys, of which hashes alone are kept; they are compared in constant time.</summary>
internal sealed class ApiKeys
{
    private const string Bearer = "Bearer ";
    private readonly byte[][] hashes;

    public ApiKeys(IEnumerable<string> keys)
    {
        hashes = [.. keys.Select(Hash)];
        foreach (string key in keys)
        {
            if (string.IsNullOrWhiteSpace(key))
                throw new ArgumentException("server: a key must not be empty, but one is");
        }
    }

    /// <summary>No key in particular: of a server without keys.</summary>
    public const int Nobody = -1;

    /// <summary>Refuses a request without one of them; else the number of its key.</summary>
    public int Check(HttpRequest request)
    {
        if (hashes.Length == 0)
            return Nobody;
        string? given = request.Headers.Authorization.ToString() is var header && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            ? header[Bearer.Length..].Trim() : request.Headers["X-Api-Key"].ToString();
        if (string.IsNullOrEmpty(given))
            throw new ApiException(401, "You didn't provide an API key: send it as 'Authorization: Bearer KEY' or 'X-Api-Key: KEY'.", null, "missing_api_key");
        byte[] hash = Hash(given);
        int owner = Nobody;
        // All are compared, so that the time tells nothing.
        for (int i = 0; i < hashes.Length; i++)
            owner = CryptographicOperations.FixedTimeEquals(hashes[i], hash) ? i : owner;
        return owner != Nobody ? owner : throw new ApiException(401, "Incorrect API key provided.", null, "invalid_api_key");
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
