namespace Gristmill;

/// <summary>What a server says about itself.</summary>
/// <param name="Product">"Gristmill".</param>
/// <param name="Version">Its version.</param>
/// <param name="Cluster">The cluster's name.</param>
/// <param name="DataDirectory">The folder of its durable state, on its host.</param>
/// <param name="ProcessId">Its process, on its host; 0 where it does not say.</param>
/// <param name="Flight">Where Arrow Flight is spoken without TLS, on its host; null: nowhere, or nobody has said.</param>
public sealed record ServerInfo(string Product, string Version, string Cluster, string? DataDirectory = null, int ProcessId = 0, string? Flight = null);
